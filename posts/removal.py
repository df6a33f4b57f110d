"""Deleting posts, however many people have liked them: at once for every reader, and in short transactions after.

A post is first marked as removed, which is what everybody sees and counts. Then the rows that point at it are deleted
a few at a time, and it last. Whoever is killed in between leaves a mark; `sweep_removed` goes on from there.
"""

import contextlib
from collections.abc import Iterator

from django.db import OperationalError, router
from django.db.models import QuerySet

from caching.api import atomic_write
from posts.models import Comment, Deletion, Favorite, Like, Post, Removal

CHUNK = 200  # rows deleted in one transaction
AT_ONCE = 1_000  # rows that a request deletes itself


def remove(post_ids: list[int], *, by: int | None = None) -> None:
    """Gone for readers when this returns; what there is too much of is left to `sweep`, and so is what the database
    refuses now: two who delete the same rows may well meet in a deadlock. It is remembered of the user `by`."""
    for post_id in post_ids:
        _mark(post_id, by=by)
    left = AT_ONCE
    with contextlib.suppress(OperationalError):
        for post_id in post_ids:
            for deleted in _delete(post_id):
                left -= deleted
                if left <= 0:
                    return


def remember(kind: Deletion.Kind, target_id: int, *, by: int) -> None:
    Deletion.objects.bulk_create([Deletion(user_id=by, kind=kind, target_id=target_id)], ignore_conflicts=True)


def sweep() -> Iterator[int]:
    """Deletes every post that is marked as removed; yields how many rows each transaction deleted."""
    while (post_id := Removal.objects.values_list("pk", flat=True).first()) is not None:
        yield from _delete(post_id)


def delete_posts_of(user_id: int) -> Iterator[int]:
    """Deletes what a user wrote, liked, kept and remembers to have deleted; for users.deletion_hooks."""
    for model, owner in ((Like, "user"), (Favorite, "user"), (Comment, "author"), (Deletion, "user")):
        yield from _in_chunks(model.objects.filter(**{owner: user_id}))
    posts = Post.objects.filter(author_id=user_id)
    while (post_id := posts.values_list("pk", flat=True).order_by("pk").first()) is not None:
        _mark(post_id)
        yield from _delete(post_id)


# A transaction that has a post locked reads no more than one row of a table in order to lock it: for several, "IN (…)"
# reads all of a short table, and waits for rows whose writers wait for the post.


def _mark(post_id: int, *, by: int | None = None) -> None:
    with atomic_write(router.db_for_write(Post)):
        if by is not None:
            remember(Deletion.Kind.POST, post_id, by=by)
        if Post.objects.filter(pk=post_id).update(state=Post.State.REMOVED):
            Removal.objects.get_or_create(pk=post_id)


def _delete(post_id: int) -> Iterator[int]:
    gone = False
    while not gone:
        for rows in _pointing_at(post_id):
            yield from _in_chunks(rows)
        # A repost keeps its own words, and is one of nothing that is there.
        reposts = Post.objects.filter(repost_of=post_id)
        while pks := list(reposts.values_list("pk", flat=True)[:CHUNK]):
            yield Post.objects.filter(pk__in=pks).update(repost_of=None)
        gone = _delete_alone(post_id)
    yield 1


def _delete_alone(post_id: int) -> bool:
    """Whether nothing points at the post any more; then it is gone."""
    with atomic_write(router.db_for_write(Post)):
        list(Post.objects.select_for_update().filter(pk=post_id))  # who began before the mark may just be through
        reposts = Post.objects.filter(repost_of=post_id)
        if any(rows.exists() for rows in (*_pointing_at(post_id), reposts)):
            return False
        Post.objects.filter(pk=post_id).delete()
        return True


def _pointing_at(post_id: int) -> list[QuerySet]:
    return [model.objects.filter(post_id=post_id) for model in (Like, Favorite, Comment)]


def _in_chunks(rows: QuerySet) -> Iterator[int]:
    while pks := list(rows.values_list("pk", flat=True)[:CHUNK]):
        rows.model.objects.filter(pk__in=pks).delete()
        yield len(pks)
