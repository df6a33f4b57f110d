"""Which posts are there for whom (docs/decisions/0023-visibility.md).

A post goes with its author: one whose account is gone is there for nobody. A post that the staff has hidden is there
for its author alone, and nobody adds to it. A removed post is there for nobody, whatever its rows still say.
"""

from typing import Any

from caching.api import Batch
from posts.models import Post
from posts.problems import blocked, no_such_post
from users.visibility import ViewedUsers


def exists(row: Any) -> bool:
    """Return whether a post exists, be it shown or hidden; None stands for no row."""
    return row is not None and row.state != Post.State.REMOVED


def is_readable(row: Any, viewer_id: int) -> bool:
    """Return whether a viewer may read a post, as far as the post alone tells."""
    return row is not None and (row.state == Post.State.SHOWN or (exists(row) and row.author_id == viewer_id))


def author_seen_by(viewer_id: int, author_id: int) -> Any:
    """Return the public fields of a post's author, in one round trip; raise the post's 404 or 403 for this viewer."""
    batch = Batch()
    authors = ViewedUsers(batch, viewer_id, [author_id])
    batch.run()
    if authors.rows.row(author_id) is None:
        raise no_such_post()
    if author_id in authors.blocked:
        raise blocked()
    return authors.public()[author_id]
