"""Deletion of posts: immediate for readers, then in short transactions (docs/decisions/0005-removing-posts.md).

A post is first marked as removed, and disappears from all answers and counts. Then the rows that refer to the post are
deleted in chunks, and the post last. If the process is killed in between, `sweep_removed` finds the mark and continues.
"""

from collections.abc import Iterator

from django.db import router
from django.db.models import QuerySet

from caching.api import atomic_write
from jobs.deletion import Dependents, MarkedRows, in_chunks
from posts.models import Comment, Deletion, Favorite, Like, Post, Removal


def remove(post_ids: list[int], *, by: int | None = None) -> None:
    """Hide posts and delete up to AT_ONCE rows; the sweep deletes the rest.

    The deletion is recorded for the user `by`, so that the same request may be repeated.
    """
    for post_id in post_ids:
        mark(post_id, by=by)
    removed_posts.delete_some(post_ids)


def record_deletion(kind: Deletion.Kind, target_id: int, *, by: int) -> None:
    """Record that a user has deleted a post or a comment."""
    Deletion.objects.bulk_create([Deletion(user_id=by, kind=kind, target_id=target_id)], ignore_conflicts=True)


def delete_posts_of(user_id: int) -> Iterator[int]:
    """Delete a user's likes, favourites, comments, deletion records and posts; yield the number of rows per chunk.

    Registered with users.deletion_hooks.
    """
    for model, owner in ((Like, "user"), (Favorite, "user"), (Comment, "author"), (Deletion, "user")):
        yield from in_chunks(model.objects.filter(**{owner: user_id}))
    posts = Post.objects.filter(author_id=user_id)
    while (post_id := posts.values_list("pk", flat=True).order_by("pk").first()) is not None:
        mark(post_id)
        yield from removed_posts.delete(post_id)


def mark(post_id: int, *, by: int | None = None) -> None:
    """Mark one post as removed, in one transaction.

    A transaction that has locked a post must read at most one row of another table with a lock: on a short table InnoDB
    reads all rows for `IN (…)`, and waits for rows whose writers wait for the post.
    """
    with atomic_write(router.db_for_write(Post)):
        if by is not None:
            record_deletion(Deletion.Kind.POST, post_id, by=by)
        if Post.objects.filter(pk=post_id).update(state=Post.State.REMOVED):
            Removal.objects.get_or_create(pk=post_id)


def _dependents(post_id: int) -> Iterator[Dependents]:
    for model in (Like, Favorite, Comment):
        yield Dependents(model.objects.filter(post_id=post_id))
    yield Dependents(Post.objects.filter(repost_of=post_id), _detach)


def _detach(reposts: QuerySet[Post]) -> None:
    """Detach reposts from their original; those without a text, of which nothing would be left, are marked."""
    for post_id in list(reposts.filter(text="").values_list("pk", flat=True)):
        mark(post_id)
    reposts.update(repost_of=None)


removed_posts = MarkedRows(Post, Removal.objects.values_list("pk", flat=True), _dependents)
