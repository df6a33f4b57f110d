"""Writes of posts and of what refers to posts. Likes and favourites are idempotent, also in concurrent requests."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, router

from caching.api import atomic_write
from posts import removal
from posts.models import VISIBLE, Comment, Deletion, Favorite, Like, Post
from social.locks import lock_pair
from social.services import Blocked, blocks_between
from users.edges import delete_edge, insert_edge, referring_write
from users.models import User


class NotAllowed(Exception):
    """The caller is not the author, nor, for a comment, the author of its post."""


def publish(*, author_id: int, text: str = "", repost_of: int | None = None) -> Post:
    """Create a post, or return the user's repost that is there; for the errors see publish_once()."""
    return publish_once(author_id=author_id, text=text, repost_of=repost_of)[0]


def publish_once(*, author_id: int, text: str = "", repost_of: int | None = None) -> tuple[Post, bool]:
    """Create a post; return it, and whether it is new: a user has at most one repost of a post without a text.

    Raises User.DoesNotExist, and for the reposted post Post.DoesNotExist and Blocked.
    """
    with _adding_to(repost_of, author_id):
        if not text and repost_of is not None:
            lock_pair(author_id, repost_of)
            if (same := Post.objects.filter(author_id=author_id, plain_repost_of=repost_of).first()) is not None:
                return same, False
        return Post.objects.create_one(author_id=author_id, text=text, repost_of_id=repost_of), True


def delete_post(*, post_id: int, by: int) -> None:
    """Delete a post of the user `by`, be it hidden, who may repeat the call. Raises Post.DoesNotExist, NotAllowed."""
    post = Post.objects.filter(pk=post_id)
    author_id = post.exclude(state=Post.State.REMOVED).values_list("author_id", flat=True).first()
    if author_id == by:
        removal.remove([post_id], by=by)
    elif author_id is not None and post.filter(VISIBLE).exists():
        raise NotAllowed
    elif not _has_deleted(by, Deletion.Kind.POST, post_id):
        raise Post.DoesNotExist


def like(*, user_id: int, post_id: int) -> bool:
    """Insert a like; return whether it is new. Raises Post.DoesNotExist, User.DoesNotExist, Blocked."""
    return _insert_mark(Like, user_id, post_id)


def unlike(*, user_id: int, post_id: int) -> bool:
    """Delete a like; return whether there was one."""
    return _delete_mark(Like, user_id, post_id)


def add_favorite(*, user_id: int, post_id: int) -> bool:
    """Insert a favourite; return whether it is new. Raises Post.DoesNotExist, User.DoesNotExist, Blocked."""
    return _insert_mark(Favorite, user_id, post_id)


def remove_favorite(*, user_id: int, post_id: int) -> bool:
    """Delete a favourite; return whether there was one."""
    return _delete_mark(Favorite, user_id, post_id)


def comment(*, post_id: int, author_id: int, text: str) -> Comment:
    """Create a comment. Raises Post.DoesNotExist, User.DoesNotExist, Blocked."""
    with _adding_to(post_id, author_id):
        return Comment.objects.create(post_id=post_id, author_id=author_id, text=text)


def delete_comment(*, comment_id: int, by: int) -> None:
    """Delete a comment of the user `by`, or on a post of this user, who may repeat the call.

    Raises Comment.DoesNotExist, NotAllowed.
    """
    with atomic_write(router.db_for_write(Comment)):
        try:
            found = Comment.objects.select_related("post").get(pk=comment_id)
        except Comment.DoesNotExist:
            if not _has_deleted(by, Deletion.Kind.COMMENT, comment_id):
                raise
            return
        if by not in (found.author_id, found.post.author_id):
            raise NotAllowed
        removal.record_deletion(Deletion.Kind.COMMENT, comment_id, by=by)
        found.delete()


def _has_deleted(user_id: int, kind: Deletion.Kind, target_id: int) -> bool:
    return Deletion.objects.filter(user_id=user_id, kind=kind, target_id=target_id).exists()


def _insert_mark(model: type[Like] | type[Favorite], user_id: int, post_id: int) -> bool:
    with _adding_to(post_id, user_id):
        lock_pair(user_id, post_id)
        return insert_edge(model, user_id=user_id, post_id=post_id)


def _delete_mark(model: type[Like] | type[Favorite], user_id: int, post_id: int) -> bool:
    with atomic_write(router.db_for_write(model)):
        lock_pair(user_id, post_id)
        return delete_edge(model, user_id=user_id, post_id=post_id)


@contextmanager
def _adding_to(post_id: int | None, user_id: int) -> Iterator[None]:
    """Open a transaction in which a user adds something, to a visible post of an author who is not blocked if given."""
    with referring_write(router.db_for_write(Post), (User, user_id), (Post, post_id)):
        author_id = user_id if post_id is None else _author_of(post_id)
        if author_id != user_id and blocks_between(user_id, author_id).exists():
            raise Blocked
        yield


def _author_of(post_id: int) -> int:
    """Return the author of a visible post. Until the end of the transaction, nobody hides it or ends the account."""
    connection = connections[router.db_for_write(Post)]
    sql, args = Post.objects.filter(VISIBLE, pk=post_id).values_list("author_id").query.sql_with_params()
    with connection.cursor() as cursor:
        # In share mode, which Django does not have, additions do not wait for each other. SQLite has one writer anyway.
        cursor.execute(f"{sql} LOCK IN SHARE MODE" if connection.features.has_select_for_update else sql, args)
        found = cursor.fetchone()
    if found is None:
        raise Post.DoesNotExist
    return int(found[0])
