"""The reads of what refers to a post: its comments and its likers.

Both take two round trips: the post and the newest rows; then the users, the post's author among them.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from api.cursors import Location, Page, Paging
from api.fragments import MadeOfRows
from api.json import time_text, without_times
from api.keysets import Keyset
from api.reads import Read
from caching.api import Batch
from posts import keysets
from posts.models import Comment, Post
from posts.problems import no_such_post
from posts.visibility import is_readable, require_author
from users.visibility import ViewedUsers


class CommentDocument(msgspec.Struct, frozen=True, gc=False):
    """A comment; msgspec encodes it as a JSON object."""

    id: int
    post: int
    author: Any
    text: str
    created_at: str

    @classmethod
    def of(cls, row: Any, author: Any) -> "CommentDocument":
        """Return the document of a row, or an instance, of a comment."""
        return cls(row.id, row.post_id, author, row.text, time_text(row.created_at))


class _Text(msgspec.Struct, frozen=True, gc=False):
    # The part of a comment behind its author.

    text: str
    created_at: str


def _parts(row: Any) -> tuple[bytes, bytes]:
    """Return the JSON of a comment before its author and behind."""
    text = msgspec.json.encode(_Text(row.text, time_text(row.created_at)))
    return b'{"id":%d,"post":%d,"author":' % (row.id, row.post_id), b",%b" % text[1:]


_parts_of = MadeOfRows(_parts).of


class _OfPost(Read):
    # A page of users who did something with a post; a 404 and a 403 as for the post itself.

    purpose: str
    keyset: Keyset
    _page: Page
    _users: ViewedUsers

    def __init__(self, batch: Batch, caller_id: int, post_id: int, location: Location) -> None:
        self._caller_id = caller_id
        self._paging = Paging(location, caller_id, f"{self.purpose}:{post_id}")
        self._posts = batch.rows(Post, [post_id])
        self._requested = self.keyset.request(batch, post_id, self._paging)

    def is_nonblocking(self) -> bool:
        return self._requested.is_cached

    def further_batches(self) -> Iterator[Batch]:
        post = self._posts.only_row()
        if not is_readable(post, self._caller_id):
            raise no_such_post()
        self._page = self._requested.page()
        batch = Batch()
        self._users = ViewedUsers(
            batch, self._caller_id, [*self._page.ids, post.author_id], despite_blocks=self._sees_all(post)
        )
        self._request(batch)
        yield batch
        require_author(self._users, post.author_id)

    def _sees_all(self, post: Any) -> bool:
        """Return whether the caller sees users in spite of blocks."""
        return False

    def _request(self, batch: Batch) -> None:
        """Add to the second batch what is to be shown of the page's rows."""


class Likers(_OfPost):
    """A page of the users who like a post, the newest like first."""

    purpose, keyset = "posts.likers", keysets.LIKERS

    def document(self) -> Any:
        users = self._users.public()
        return self._paging.document([users[each] for each in self._page.ids if each in users], self._page)


class Comments(_OfPost):
    """A page of the comments on a post, newest first. The author of the post sees those of blocked users as well."""

    purpose, keyset = "posts.comments", keysets.COMMENTS

    def _sees_all(self, post: Any) -> bool:
        return bool(post.author_id == self._caller_id)

    def _request(self, batch: Batch) -> None:
        self._comments = batch.rows(Comment, self._page.row_ids)

    def document(self) -> Any:
        authors = self._users.texts
        rows = [row for row in self._comments.rows().results if row.author_id in authors]
        comments = [
            msgspec.Raw(b"".join((begin, authors[row.author_id], text)))
            for row, (begin, text) in zip(rows, _parts_of(rows), strict=True)
        ]
        return without_times(self._paging.document(comments, self._page))
