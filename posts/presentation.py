"""Posts as one viewer sees them: the posts and their marks are read in one batch, the authors in another."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from api.problems import first_or_raise
from caching.api import Batch, Found
from counters.api import request_counts
from posts.models import Post, favorited, liked
from posts.problems import no_such_post
from posts.visibility import author_seen_by, is_readable
from users.user_pages import visible_users


class RequestedPosts:
    """Posts requested from a batch for a viewer.

    Hidden posts of others, removed and unknown posts are missing, and so are posts whose author the viewer cannot see.
    """

    def __init__(self, batch: Batch, viewer_id: int, post_ids: Sequence[int]) -> None:
        self._viewer_id = viewer_id
        self._posts = batch.rows(Post, post_ids)
        self._marks = RequestedMarks(batch, viewer_id, post_ids)

    @property
    def rows(self) -> list[Any]:
        """The posts that the viewer may read if the author may be seen, in the order of the ids."""
        found = self._posts.structs("id", "author_id", "text", "repost_of_id", "created_at", "state").results
        return [row for row in found if is_readable(row, self._viewer_id)]

    def document(self) -> dict[str, Any]:
        """Return the JSON document of the only post, once the batch has run, in one more round trip.

        Raises the 404 or 403 of a post that the viewer may not read.
        """
        row = first_or_raise(self.rows, no_such_post)
        return self._document(row, author_seen_by(self._viewer_id, row.author_id))

    def documents(self, authors: Mapping[int, Any] | None = None) -> Found[dict[str, Any]]:
        """Return the JSON documents, once the batch has run.

        Takes one more round trip for the authors, unless these are given as by visible_users().
        """
        rows = self.rows
        if authors is None:
            authors = visible_users(self._viewer_id, sorted({row.author_id for row in rows}))
        results = [self._document(row, authors[row.author_id]) for row in rows if row.author_id in authors]
        existing = {post["id"] for post in results}
        return Found(results, [pk for pk in self._posts.identities.values() if pk not in existing])

    def _document(self, row: Any, author: Any) -> dict[str, Any]:
        return {
            "id": row.id,
            "author": author,
            "text": row.text,
            "repost_of": row.repost_of_id,
            "created_at": row.created_at,
            **self._marks.of(row.id),
            **({} if row.state == Post.State.SHOWN else {"hidden": True}),
        }


class RequestedMarks:
    """The counts of posts, and the viewer's own likes and favourites, requested from a batch."""

    def __init__(self, batch: Batch, viewer_id: int, post_ids: Sequence[int]) -> None:
        self._requested_counts = request_counts(batch, [f"post:{post_id}" for post_id in post_ids])
        self._liked = batch.add(liked.among(viewer_id, post_ids))
        self._favorited = batch.add(favorited.among(viewer_id, post_ids))

    @cached_property
    def _counts(self) -> dict[str, dict[str, int]]:
        return self._requested_counts.result

    def of(self, post_id: int) -> dict[str, Any]:
        """Return the marks of one post, once the batch has run."""
        return {
            "counts": self._counts[f"post:{post_id}"],
            "liked": self._liked.result[post_id],
            "favorited": self._favorited.result[post_id],
        }


def posts_of(
    viewer_id: int, post_ids: Sequence[int], authors: Mapping[int, Any] | None = None
) -> Found[dict[str, Any]]:
    """Return the documents of posts, in two round trips, or one if the authors are given."""
    batch = Batch()
    posts = RequestedPosts(batch, viewer_id, post_ids)
    batch.run()
    return posts.documents(authors)
