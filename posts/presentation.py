"""Posts as one viewer sees them: what is known of them is one batch, their authors another."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from caching.api import Batch, Found
from counters.api import request_counts
from posts.models import Post, favorited, liked
from users import list_filters
from users.models import User
from users.projections import PUBLIC


class Shown:
    """Posts asked of a batch for a viewer. Hidden, removed and unknown ones are missing, and so are those of people
    who are hidden from the viewer."""

    def __init__(self, batch: Batch, viewer_id: int, post_ids: Sequence[int]) -> None:
        self._viewer_id = viewer_id
        self._posts = batch.rows(Post, post_ids)
        self.marks = Marks(batch, viewer_id, post_ids)

    @property
    def rows(self) -> list[Any]:
        """Those that are there for anybody, in the order asked."""
        found = self._posts.structs("id", "author_id", "text", "repost_of_id", "created_at", "state").results
        return [row for row in found if row.state == Post.State.SHOWN]

    def documents(self, authors: Mapping[int, Any] | None = None) -> Found[dict[str, Any]]:
        """After the batch ran; one round trip more for the authors, unless they are given as `authors_of` does."""
        rows = self.rows
        if authors is None:
            authors = authors_of(self._viewer_id, (row.author_id for row in rows))
        results = [self._document(row, authors[row.author_id]) for row in rows if row.author_id in authors]
        there = {each["id"] for each in results}
        return Found(results, [pk for pk in self._posts.identities.values() if pk not in there])

    def _document(self, row: Any, author: Any) -> dict[str, Any]:
        return {
            "id": row.id,
            "author": author,
            "text": row.text,
            "repost_of": row.repost_of_id,
            "created_at": row.created_at,
            **self.marks.of(row.id),
        }


class Marks:
    """What a post has been given: by all, as counts, and by the viewer."""

    def __init__(self, batch: Batch, viewer_id: int, post_ids: Sequence[int]) -> None:
        self._asked = request_counts(batch, [f"post:{each}" for each in post_ids])
        self._liked = batch.add(liked.among(viewer_id, post_ids))
        self._favorited = batch.add(favorited.among(viewer_id, post_ids))

    @cached_property
    def _counts(self) -> dict[str, dict[str, int]]:
        return self._asked.result

    def of(self, post_id: int) -> dict[str, Any]:
        """Once the batch ran."""
        return {
            "counts": self._counts[f"post:{post_id}"],
            "liked": self._liked.result[post_id],
            "favorited": self._favorited.result[post_id],
        }


def authors_of(viewer_id: int, user_ids: Iterable[int]) -> dict[int, Any]:
    """Public users by id, without those who are hidden from the viewer; one round trip."""
    batch = Batch()
    wanted = sorted(set(user_ids))
    people = batch.rows(User, wanted)
    hidden = list_filters.request_hidden(batch, viewer_id, wanted)
    batch.run()
    unseen = hidden()
    return {row.id: row for row in people.structs(*PUBLIC).results if row.id not in unseen}


def posts_of(
    viewer_id: int, post_ids: Sequence[int], authors: Mapping[int, Any] | None = None
) -> Found[dict[str, Any]]:
    """Two round trips, whatever their number; one if the authors are given."""
    batch = Batch()
    shown = Shown(batch, viewer_id, post_ids)
    batch.run()
    return shown.documents(authors)


def marks_of(viewer_id: int, post_id: int) -> dict[str, Any]:
    batch = Batch()
    marks = Marks(batch, viewer_id, [post_id])
    batch.run()
    return marks.of(post_id)
