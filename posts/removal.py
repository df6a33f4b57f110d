"""Deletion of posts: immediate for readers, then in short transactions (docs/decisions/0005-removing-posts.md).

A post is first marked as removed, and disappears from all answers and counts. Then the rows that refer to the post are
deleted in chunks, and the post last. If the process is killed in between, `sweep_removed` finds the mark and continues.
"""

from collections.abc import Collection, Iterator

from django.db import router

from caching.api import atomic_write, delete_rows, lock_rows, update_rows
from counters.api import forget_targets
from jobs.deletion import CHUNK, Dependents, MarkedRows, in_chunks
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
    for model in (Like, Favorite):
        yield from in_chunks(model.objects.all(), by="post_id", owner={"user_id": user_id})
    yield from in_chunks(Comment.objects.filter(author_id=user_id), by="pk")
    yield from in_chunks(Deletion.objects.filter(user_id=user_id))
    posts = Post.objects.filter(author_id=user_id)
    # No Removal for each: whoever deletes the author finds them by their state.
    yield from in_chunks(posts.filter(state__lt=Post.State.REMOVED), _mark_all)
    last, removed = 0, posts.filter(state=Post.State.REMOVED).order_by("pk").values_list("pk", flat=True)
    while post_ids := list(removed.filter(pk__gt=last)[:CHUNK]):
        yield from _delete_marked(post_ids)
        last = post_ids[-1]


def _mark_all(post_ids: list[int]) -> None:
    update_rows(Post, post_ids, router.db_for_write(Post), state=Post.State.REMOVED)


def _let_go(repost_ids: list[int]) -> None:
    """Detach reposts from their original; those without a text, of which nothing would be left, are marked."""
    using = router.db_for_write(Post)
    with atomic_write(using):
        plain = list(Post.objects.filter(pk__in=repost_ids, text="").values_list("pk", flat=True))
        update_rows(Post, plain, using, state=Post.State.REMOVED)
        Removal.objects.bulk_create([Removal(pk=pk) for pk in plain], ignore_conflicts=True)
        update_rows(Post, repost_ids, using, repost_of_id=None)


def _delete_marked(post_ids: list[int]) -> Iterator[int]:
    """Delete marked posts of one author together; yield the number of rows that each transaction deleted."""
    using = router.db_for_write(Post)
    while True:
        for dependents in _dependents(post_ids):
            yield from dependents.in_chunks()
        with atomic_write(using):
            lock_rows(Post, post_ids, using)  # waits for transactions that began before the posts were marked
            if not any(dependents.rows.exists() for dependents in _dependents(post_ids)):
                delete_rows(Removal, post_ids, using)
                deleted = delete_rows(Post, post_ids, using)
                break
    yield deleted
    forget_targets(using, "post", post_ids)


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


def _dependents(post_ids: Collection[int]) -> Iterator[Dependents]:
    by = "pk" if len(post_ids) == 1 else None  # behind the post in the index, so only of one post in its order
    for model in (Like, Favorite, Comment):
        yield Dependents(model.objects.filter(post_id__in=post_ids), by=by)
    yield Dependents(Post.objects.filter(repost_of__in=post_ids), _let_go)


removed_posts = MarkedRows(Post, Removal.objects.all(), "marked_at", lambda post_id: _dependents([post_id]))
