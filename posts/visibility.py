"""Which posts are there for whom (docs/decisions/0023-visibility.md).

A post goes with its author: one whose account is gone is there for nobody. A post that the staff has hidden is there
for its author alone, and nobody adds to it. A removed post is there for nobody, whatever its rows still say.
"""

from typing import Any

from posts.models import Post
from posts.problems import blocked, no_such_post
from users.visibility import ViewedUsers


def exists(row: Any) -> bool:
    """Return whether a post exists, be it shown or hidden; None stands for no row."""
    return row is not None and row.state != Post.State.REMOVED


def is_readable(row: Any, viewer_id: int) -> bool:
    """Return whether a viewer may read a post, as far as the post alone tells."""
    return row is not None and (row.state == Post.State.SHOWN or (exists(row) and row.author_id == viewer_id))


def require_author(authors: ViewedUsers, author_id: int) -> None:
    """Raise the 404 of a post if its author is gone, the 403 if a block separates the viewer from the author."""
    if authors.rows.row(author_id) is None:
        raise no_such_post()
    if author_id in authors.blocked:
        raise blocked()
