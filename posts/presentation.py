"""Posts as one viewer sees them: the posts and their marks are read in one batch, the authors in another."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec

from api.json import time_text
from caching.api import Batch, Found, memberships
from counters.api import request_counts_of
from posts.models import Post, favorited, liked
from posts.visibility import is_readable
from users.visibility import ViewedUsers

SHOWN = int(Post.State.SHOWN)


class PostDocument(msgspec.Struct, frozen=True, gc=False):
    """A post for one viewer; msgspec encodes it as a JSON object, which has `hidden` only if the post is hidden."""

    id: int
    author: Any
    text: str
    repost_of: int | None
    created_at: str
    counts: Any
    liked: bool
    favorited: bool
    hidden: bool | msgspec.UnsetType = msgspec.UNSET


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

    def documents(self) -> Found[PostDocument]:
        """Return the documents of the posts, once all batches have run."""
        authors, marks = self.authors.public(), self._marks
        counts, liked_ids, favorited_ids = marks.counts, marks.liked.members, marks.favorited.members
        results = [
            PostDocument(
                post_id := row.id, authors[row.author_id], row.text, row.repost_of_id, time_text(row.created_at),
                counts[post_id], post_id in liked_ids, post_id in favorited_ids,
                msgspec.UNSET if row.state == SHOWN else True,
            )
            for row in self.rows
            if row.author_id in authors
        ]  # fmt: skip
        post_ids = self._posts.identities.values()
        if len(results) == len(post_ids):
            return Found(results, [])
        existing = {post.id for post in results}
        return Found(results, [pk for pk in post_ids if pk not in existing])


class RequestedMarks:
    """The counts of posts, and the viewer's own likes and favourites, requested from a batch."""

    def __init__(self, batch: Batch, viewer_id: int, post_ids: Sequence[int]) -> None:
        self._counts = request_counts_of(batch, "post", post_ids)
        self.liked, self.favorited = batch.add_all(memberships((liked, favorited), viewer_id, post_ids))

    @property
    def counts(self) -> dict[int, Any]:
        """The counts by post, each as msgspec writes them."""
        return self._counts.result

    def of(self, post_id: int) -> dict[str, Any]:
        """Return the marks of one post, once the batch has run."""
        return {
            "counts": self.counts[post_id],
            "liked": post_id in self.liked.members,
            "favorited": post_id in self.favorited.members,
        }


def posts_of(viewer_id: int, post_ids: Sequence[int]) -> Found[PostDocument]:
    """Return the documents of posts, in two round trips."""
    batch = Batch()
    posts = RequestedPosts(batch, viewer_id, post_ids)
    batch.run()
    for more in posts.author_batches():
        more.run()
    return posts.documents()
