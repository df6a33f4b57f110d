"""The condition, in SQL, on which a user may add something to a post; the ORM would take four queries for it.

It goes into the statement that inserts, so nothing can happen between the two. Where nothing was inserted, one more
statement tells why.
"""

from typing import Any

from django.db import connections

from caching.api import insert_where
from posts.models import Comment, Favorite, Like, Post
from social.services import Blocked

# In share mode nobody hides the post or ends its author's account until the end of the transaction, and additions do
# not wait for each other. In its subqueries, the statement reads what is committed.
_VISIBLE = """
    FROM posts_post JOIN users_user ON users_user.id = posts_post.author_id
    WHERE posts_post.id = %s AND posts_post.state = %s AND users_user.is_active"""
_BLOCKING = "EXISTS (SELECT 1 FROM social_block WHERE blocker_id = users_user.id AND blocked_id = %s)"
_BLOCKED_BY = "EXISTS (SELECT 1 FROM social_block WHERE blocker_id = %s AND blocked_id = users_user.id)"
_MARKED = "EXISTS (SELECT 1 FROM {} WHERE user_id = %s AND post_id = %s)"
_MAY_ADD = f"{_VISIBLE} AND NOT {_BLOCKING} AND NOT {_BLOCKED_BY}"


def insert(using: str, row: Any, user_id: int, post_id: int) -> bool:
    """Insert what a user adds to a post, if the post is visible and no block separates the user from its author.

    Of likes and favourites, only the first is inserted. Returns whether the row was inserted.
    """
    source, values = _MAY_ADD, [post_id, Post.State.SHOWN, user_id, user_id]
    if isinstance(row, Like | Favorite):
        source += f" AND NOT {_MARKED.format(row._meta.db_table)}"
        values += [user_id, post_id]
    return insert_where(using, row, source + _in_share_mode(connections[using]), values)


def stands(using: str, row: Like | Favorite | Comment, user_id: int, post_id: int) -> bool:
    """Return whether a like or favourite is there already; raise the reason for which nothing may be added.

    Raises Post.DoesNotExist, Blocked.
    """
    marked, values = "0", [user_id, user_id]
    if not isinstance(row, Comment):
        marked = _MARKED.format(row._meta.db_table)
        values += [user_id, post_id]
    connection = connections[using]
    with connection.cursor() as cursor:
        statement = f"SELECT {_BLOCKING} OR {_BLOCKED_BY}, {marked}{_VISIBLE}{_in_share_mode(connection)}"
        cursor.execute(statement, [*values, post_id, Post.State.SHOWN])
        found = cursor.fetchone()
    if found is None:
        raise Post.DoesNotExist
    is_blocked, is_there = found
    if is_blocked:
        raise Blocked
    return bool(is_there)


def _in_share_mode(connection: Any) -> str:
    return " LOCK IN SHARE MODE" if connection.features.has_select_for_update else ""  # SQLite has one writer
