"""Writes of posts and of what refers to posts. Likes and favourites are idempotent, also in concurrent requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.db import connections, router

from caching.api import Batch, atomic_write, delete_edge
from posts import additions, removal
from posts.models import VISIBLE, Comment, Deletion, Favorite, Like, Post
from social.locks import lock_pair
from social.services import Blocked, blocks_between
from users.edges import insert_new, referring_write
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


def like(*, user_id: int, post_id: int, read_after: Batch | None = None) -> bool:
    """Insert a like; return whether it is new. Raises Post.DoesNotExist, User.DoesNotExist, Blocked.

    `read_after` is a batch to run after the commit, in the round trip that updates Redis (see Batch.join_commit).
    """
    return _add(Like(user_id=user_id, post_id=post_id), user_id, post_id, read_after)


def unlike(*, user_id: int, post_id: int, read_after: Batch | None = None) -> bool:
    """Delete a like; return whether there was one. For `read_after` see like()."""
    return _delete_mark(Like, user_id, post_id, read_after)


def add_favorite(*, user_id: int, post_id: int, read_after: Batch | None = None) -> bool:
    """Insert a favourite; return whether it is new. Raises and reads as like() does."""
    return _add(Favorite(user_id=user_id, post_id=post_id), user_id, post_id, read_after)


def remove_favorite(*, user_id: int, post_id: int, read_after: Batch | None = None) -> bool:
    """Delete a favourite; return whether there was one. For `read_after` see like()."""
    return _delete_mark(Favorite, user_id, post_id, read_after)


def comment(*, post_id: int, author_id: int, text: str, read_after: Batch | None = None) -> Comment:
    """Create a comment. Raises Post.DoesNotExist, User.DoesNotExist, Blocked. For `read_after` see like()."""
    row = Comment(post_id=post_id, author_id=author_id, text=text)
    _add(row, author_id, post_id, read_after)
    return row


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


def _add(row: Like | Favorite | Comment, user_id: int, post_id: int, read_after: Batch | None) -> bool:
    """Insert what a user adds to a post; return False if it is there already."""
    using = router.db_for_write(type(row))
    with referring_write(using, (User, user_id), (Post, post_id)):
        insert, stands = (partial(each, using, row, user_id, post_id) for each in (additions.insert, additions.stands))
        is_new = insert_new(insert, stands)
        if read_after is not None:
            read_after.join_commit(using)
        return is_new


def _delete_mark(model: type[Like] | type[Favorite], user_id: int, post_id: int, read_after: Batch | None) -> bool:
    using = router.db_for_write(model)
    with atomic_write(using):
        deleted = delete_edge(using, model, user_id=user_id, post_id=post_id)
        if deleted and read_after is not None:
            read_after.join_commit(using)
        return deleted


@contextmanager
def _adding_to(post_id: int | None, user_id: int) -> Iterator[None]:
    """Open a transaction in which a user adds something, to a visible post of an author who is not blocked if given."""
    with referring_write(router.db_for_write(Post), (User, user_id), (Post, post_id)):
        if post_id is not None:
            _require_no_block(user_id, _author_of(post_id))
        yield


def _require_no_block(user_id: int, author_id: int) -> None:
    if author_id != user_id and blocks_between(user_id, author_id).exists():
        raise Blocked


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
