"""Posts as one viewer sees them: the posts and their marks are read in one batch, the authors in another."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import Any

import msgspec

from api.fragments import MadeOfRows
from api.json import time_text
from caching.api import Batch, Found, memberships
from counters.api import request_counts_of
from posts.models import Post, favorited, liked
from posts.visibility import is_readable
from users.visibility import ViewedUsers

SHOWN, HIDDEN = int(Post.State.SHOWN), b',"hidden":true}'


class _Text(msgspec.Struct, frozen=True, gc=False):
    # The part of a post between its author and its counts.

    text: str
    repost_of: int | None
    created_at: str


def _parts(row: Any) -> tuple[bytes, bytes]:
    """Return the JSON of a post before its author, and from there to its counts."""
    text = msgspec.json.encode(_Text(row.text, row.repost_of_id, time_text(row.created_at)))
    return b'{"id":%d,"author":' % row.id, b',%b,"counts":' % text[1:-1]


_TRUTH = {False: b"false", True: b"true"}
_MARKS = {
    (liked, favorited): b',"liked":%b,"favorited":%b' % (_TRUTH[liked], _TRUTH[favorited])
    for liked, favorited in product((False, True), repeat=2)
}
_parts_of = MadeOfRows(_parts, 8_192).of


class RequestedPosts:
    """Posts requested from a batch for a viewer.

    Hidden posts of others, removed and unknown posts are missing, and so are posts whose author the viewer cannot see.
    """

    authors: Any
    """The authors, as ViewedUsers, once all batches have run."""

    def __init__(
        self, batch: Batch, viewer_id: int, post_ids: Sequence[int], authors: ViewedUsers | None = None
    ) -> None:
        """`authors` are those of all the posts, if they are known."""
        self._viewer_id = viewer_id
        self._posts = batch.rows(Post, post_ids)
        self._marks = RequestedMarks(batch, viewer_id, post_ids)
        self.authors = authors

    @cached_property
    def rows(self) -> list[Any]:
        """The posts that the viewer may read if the author may be seen, in the order of the ids."""
        viewer_id = self._viewer_id
        return [row for row in self._posts.rows().results if row.state == SHOWN or is_readable(row, viewer_id)]

    def author_batches(self) -> Iterator[Batch]:
        """Yield the batch that reads the authors, unless these are known."""
        if self.authors is None:
            batch = Batch()
            self.authors = ViewedUsers(batch, self._viewer_id, sorted({row.author_id for row in self.rows}))
            yield batch

    @cached_property
    def visible(self) -> list[Any]:
        """The posts that the viewer may read, once all batches have run."""
        authors = self.authors.texts
        return [row for row in self.rows if row.author_id in authors]

    def texts(self, rows: Sequence[Any]) -> list[msgspec.Raw]:
        """Return some of the visible posts as JSON, with `hidden` only where a post is hidden."""
        authors, marks = self.authors.texts, self._marks
        counts, liked_ids, favorited_ids = marks.counts.texts, marks.liked.members, marks.favorited.members
        return [
            msgspec.Raw(
                b"".join((
                    begin, authors[row.author_id], text, counts[post_id := row.id],
                    _MARKS[post_id in liked_ids, post_id in favorited_ids], b"}" if row.state == SHOWN else HIDDEN,
                ))
            )
            for row, (begin, text) in zip(rows, _parts_of(rows), strict=True)
        ]  # fmt: skip

    def documents(self) -> Found[msgspec.Raw]:
        """Return the posts as JSON, once all batches have run."""
        results = self.texts(self.visible)
        post_ids = self._posts.ids
        if len(results) == len(post_ids):
            return Found(results, [])
        existing = {row.id for row in self.visible}
        return Found(results, [pk for pk in post_ids if pk not in existing])


class RequestedMarks:
    """The counts of posts, and the viewer's own likes and favourites, requested from a batch."""

    def __init__(self, batch: Batch, viewer_id: int, post_ids: Sequence[int]) -> None:
        self.counts = request_counts_of(batch, "post", post_ids)
        self.liked, self.favorited = batch.add_all(memberships((liked, favorited), viewer_id, post_ids))

    def of(self, post_id: int) -> dict[str, Any]:
        """Return the marks of one post, once the batch has run."""
        return {
            "counts": self.counts.result[post_id],
            "liked": post_id in self.liked.members,
            "favorited": post_id in self.favorited.members,
        }


def posts_of(viewer_id: int, post_ids: Sequence[int]) -> Found[msgspec.Raw]:
    """Return posts as JSON, in two round trips."""
    batch = Batch()
    posts = RequestedPosts(batch, viewer_id, post_ids)
    batch.run()
    for more in posts.author_batches():
        more.run()
    return posts.documents()
