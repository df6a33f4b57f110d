"""The condition, in SQL, on which a user may add something to a post; the ORM would take four queries for it.

It goes into the statement that inserts, so nothing can happen between the two.
"""

from typing import Any

from django.db import connections

from caching.api import insert_where
from posts.models import Favorite, Like, Post

# In share mode nobody hides the post or ends its author's account until the end of the transaction, and additions do
# not wait for each other. In its subqueries, the statement reads what is committed.
_VISIBLE = """
    FROM posts_post JOIN users_user ON users_user.id = posts_post.author_id
    WHERE posts_post.id = %s AND posts_post.state = %s AND users_user.is_active
    AND NOT EXISTS (SELECT 1 FROM social_block WHERE blocker_id = users_user.id AND blocked_id = %s)
    AND NOT EXISTS (SELECT 1 FROM social_block WHERE blocker_id = %s AND blocked_id = users_user.id)"""
_NEW = " AND NOT EXISTS (SELECT 1 FROM {} WHERE user_id = %s AND post_id = %s)"


def insert(using: str, row: Any, user_id: int, post_id: int) -> bool:
    """Insert what a user adds to a post, if the post is visible and no block separates the user from its author.

    Of likes and favourites, only the first is inserted. Returns whether the row was inserted.
    """
    source, values = _VISIBLE, [post_id, Post.State.SHOWN, user_id, user_id]
    if isinstance(row, Like | Favorite):
        source += _NEW.format(row._meta.db_table)
        values += [user_id, post_id]
    if connections[using].features.has_select_for_update:  # not in SQLite, which has one writer
        source += " LOCK IN SHARE MODE"
    return insert_where(using, row, source, values)
