"""Deleting posts, however many people have liked them: at once for every reader, and in short transactions after.

A post is first marked as removed, which is what everybody sees and counts. Then the rows that point at it are deleted
a few at a time, and it last. Whoever is killed in between leaves a mark; `sweep_posts` goes on from there.
"""

from collections.abc import Iterator

from django.db import transaction
from django.db.models import QuerySet

from posts.models import Comment, Favorite, Like, Post, Removal

CHUNK = 200  # rows deleted in one transaction
AT_ONCE = 1_000  # rows that a request deletes itself


def remove(post_ids: list[int]) -> None:
    """Gone for readers when this returns; what there is too much of is left to `sweep`."""
    _mark(post_ids)
    left = AT_ONCE
    for post_id in post_ids:
        for deleted in _delete(post_id):
            left -= deleted
            if left <= 0:
                return


def sweep() -> Iterator[int]:
    """Deletes every post that is marked as removed; yields how many rows each transaction deleted."""
    while (post_id := Removal.objects.values_list("pk", flat=True).first()) is not None:
        yield from _delete(post_id)


def end_words_of(user_id: int) -> Iterator[int]:
    """Deletes what a user wrote, liked and kept; for users.farewells."""
    for model, owner in ((Like, "user"), (Favorite, "user"), (Comment, "author")):
        yield from _in_chunks(model.objects.filter(**{owner: user_id}))
    posts = Post.objects.filter(author_id=user_id)
    while post_ids := list(posts.values_list("pk", flat=True)[:CHUNK]):
        _mark(post_ids)
        for post_id in post_ids:
            yield from _delete(post_id)


def _mark(post_ids: list[int]) -> None:
    with transaction.atomic():
        Post.objects.filter(pk__in=post_ids).update(state=Post.State.REMOVED)
        there = Post.objects.filter(pk__in=post_ids).values_list("pk", flat=True)
        Removal.objects.bulk_create([Removal(pk=pk) for pk in there], ignore_conflicts=True)


def _delete(post_id: int) -> Iterator[int]:
    for model in (Like, Favorite, Comment):
        yield from _in_chunks(model.objects.filter(post_id=post_id))
    # A repost keeps its own words, and is one of nothing that is there.
    reposts = Post.objects.filter(repost_of=post_id)
    while pks := list(reposts.values_list("pk", flat=True)[:CHUNK]):
        yield Post.objects.filter(pk__in=pks).update(repost_of=None)
    Post.objects.filter(pk=post_id).delete()
    yield 1


def _in_chunks(rows: QuerySet) -> Iterator[int]:
    while pks := list(rows.values_list("pk", flat=True)[:CHUNK]):
        rows.model.objects.filter(pk__in=pks).delete()
        yield len(pks)
