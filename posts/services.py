"""Writes about posts. Likes and favourites are idempotent, and exact under races of one user with themselves."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, connections, router

from caching.api import atomic_write
from posts import removal
from posts.models import Comment, Deletion, Favorite, Like, Post
from social.locks import lock_pair
from social.services import Blocked, blocks_between
from users.models import User


class NotAllowed(Exception):
    """The caller is neither the author nor, of a comment, the author of its post."""


def publish(*, author_id: int, text: str, repost_of: int | None = None) -> Post:
    """Raises User.DoesNotExist; and Post.DoesNotExist and Blocked for the post that is reposted."""
    with _about(repost_of, author_id):
        return Post.objects.create_one(author_id=author_id, text=text, repost_of_id=repost_of)


def delete_post(*, post_id: int, by: int) -> None:
    """Again is no error for who has done it. Raises Post.DoesNotExist, NotAllowed."""
    try:
        if _author_of(post_id) != by:
            raise NotAllowed
    except Post.DoesNotExist:
        if not _has_deleted(by, Deletion.Kind.POST, post_id):
            raise
    else:
        removal.remove([post_id], by=by)


def like(*, user_id: int, post_id: int) -> bool:
    """Whether a like was really inserted. Raises Post.DoesNotExist, User.DoesNotExist, Blocked."""
    return _add(Like, user_id, post_id)


def unlike(*, user_id: int, post_id: int) -> bool:
    """Whether a like was really deleted."""
    return _take_back(Like, user_id, post_id)


def add_favorite(*, user_id: int, post_id: int) -> bool:
    """Whether it was really inserted. Raises Post.DoesNotExist, User.DoesNotExist, Blocked."""
    return _add(Favorite, user_id, post_id)


def remove_favorite(*, user_id: int, post_id: int) -> bool:
    """Whether it was really deleted."""
    return _take_back(Favorite, user_id, post_id)


def comment(*, post_id: int, author_id: int, text: str) -> Comment:
    """Raises Post.DoesNotExist, User.DoesNotExist, Blocked."""
    with _about(post_id, author_id):
        return Comment.objects.create(post_id=post_id, author_id=author_id, text=text)


def delete_comment(*, comment_id: int, by: int) -> None:
    """By its author or the post's; again is no error for who has done it. Raises Comment.DoesNotExist, NotAllowed."""
    with atomic_write(router.db_for_write(Comment)):
        try:
            found = Comment.objects.select_related("post").get(pk=comment_id)
        except Comment.DoesNotExist:
            if not _has_deleted(by, Deletion.Kind.COMMENT, comment_id):
                raise
            return
        if by not in (found.author_id, found.post.author_id):
            raise NotAllowed
        removal.remember(Deletion.Kind.COMMENT, comment_id, by=by)
        found.delete()


def _has_deleted(user_id: int, kind: Deletion.Kind, target_id: int) -> bool:
    return Deletion.objects.filter(user_id=user_id, kind=kind, target_id=target_id).exists()


def _add(model: type[Like] | type[Favorite], user_id: int, post_id: int) -> bool:
    with _about(post_id, user_id):
        lock_pair(user_id, post_id)
        if model.objects.filter(user_id=user_id, post_id=post_id).exists():
            return False
        model(user_id=user_id, post_id=post_id).save(force_insert=True)
        return True


def _take_back(model: type[Like] | type[Favorite], user_id: int, post_id: int) -> bool:
    with atomic_write(router.db_for_write(model)):
        lock_pair(user_id, post_id)
        edge = model.objects.filter(user_id=user_id, post_id=post_id).first()
        if edge is not None:
            edge.delete()
        return edge is not None


@contextmanager
def _about(post_id: int | None, user_id: int) -> Iterator[None]:
    """A transaction in which a user adds something; the post, if it is to one, is there and may be answered to."""
    using = router.db_for_write(Post)
    try:
        with atomic_write(using):
            author_id = user_id if post_id is None else _author_of(post_id)
            if author_id != user_id and blocks_between(user_id, author_id).exists():
                raise Blocked
            yield
    except IntegrityError:  # one of the two was deleted meanwhile; SQLite says so at the commit only
        # Within a caller's transaction nothing more can be asked.
        if not connections[using].needs_rollback:
            _require_both(post_id, user_id)
        raise


def _require_both(post_id: int | None, user_id: int) -> None:
    if not User.objects.filter(pk=user_id).exists():
        raise User.DoesNotExist from None
    if post_id is not None and not Post.objects.filter(pk=post_id).exists():
        raise Post.DoesNotExist from None


def _author_of(post_id: int) -> int:
    return Post.objects.values_list("author_id", flat=True).get(pk=post_id, state=Post.State.SHOWN)
