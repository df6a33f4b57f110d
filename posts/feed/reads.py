"""The read of the home feed, for its view and the hot lane."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from api.cursors import Location, Page, Paging
from api.json import without_times
from api.keysets import back
from api.reads import LeftToDjango, Read
from caching.api import Batch, Listed, ListsOfOwners
from posts import keysets
from posts.feed import merging
from posts.models import HOME_PAGE, newest_posts
from posts.presentation import SHOWN, RequestedPosts
from social.models import followed
from users.visibility import ViewedUsers

MOST_AT_ONCE = 200


class Feed(Read):
    """A page of the posts of the users whom the caller follows, and of the caller, newest first.

    Three round trips: whom the caller follows, the newest ids of each of them, and the posts with all that belongs to
    them. Where posts are not shown after all, because their author is gone, further ones are read.
    """

    _lists: ListsOfOwners
    _may_block = True
    _has_more = False

    def __init__(self, batch: Batch, caller_id: int, location: Location) -> None:
        self._caller_id = caller_id
        self._paging = Paging(location, caller_id, f"posts.feed:{caller_id}", size=HOME_PAGE)
        self._followed = batch.add(followed.of(caller_id))
        cursor = self._paging.cursor
        self._upwards = cursor is not None and cursor.backwards
        self._position: int | None = None if cursor is None else cursor.key[0]
        self._shown: list[tuple[int, msgspec.Raw]] = []
        self._gone: set[int] = set()

    def is_nonblocking(self) -> bool:
        self._may_block = False
        return True

    def further_batches(self) -> Iterator[Batch]:
        batch = Batch()
        self._lists = batch.add(newest_posts.of_each([self._caller_id, *self._followed.result]))
        yield batch
        size = limit = self._paging.limit
        is_last = False
        while not is_last and len(self._shown) < limit:
            authors, ids = self._candidates(size + 1)
            is_last, ids = len(ids) <= size, ids[:size]
            batch = Batch()
            viewed = ViewedUsers(batch, self._caller_id, [*dict.fromkeys(authors[each] for each in ids)])
            posts = RequestedPosts(batch, self._caller_id, ids, viewed)
            if ids:
                yield batch
            self._take(posts, ids, is_last)
            self._gone.update({authors[each] for each in ids} - viewed.texts.keys())
            size = min(2 * size, MOST_AT_ONCE)

    def document(self) -> Any:
        cursor, shown = self._paging.cursor, [text for _, text in self._shown]
        ids = [post_id for post_id, _ in self._shown]
        behind = back(ids[0] if ids else None, cursor)
        onward = (ids[-1],) if self._has_more else None
        page = Page(ids, after=onward, before=behind)
        if self._upwards:
            shown, page = shown[::-1], Page(ids[::-1], after=behind, before=onward)
        return without_times(self._paging.document(shown, page))

    def _candidates(self, size: int) -> tuple[dict[int, int], list[int]]:
        """Return the authors of posts by id, and the next `size` ids from the position on."""
        authors, ended = self._merged(size)
        if ended:
            if not self._may_block:
                raise LeftToDjango
            authors |= keysets.HOME.of_each(ended, size, upwards=self._upwards)
        return authors, merging.page(authors, size, upwards=self._upwards)

    def _merged(self, size: int) -> merging.Merged:
        position, gone = self._position, self._gone
        if self._upwards and position is not None:
            return merging.up(_without(self._lists.reaching(0, position + 1), gone), position)
        return merging.down(_without(self._lists.reaching(size + len(gone), position), gone), position, size)

    def _take(self, posts: RequestedPosts, ids: Sequence[int], is_last: bool) -> None:
        """Show posts, as many as the page has room for, of those with these ids."""
        room = self._paging.limit - len(self._shown)
        visible = [row for row in posts.visible if row.state == SHOWN]  # own ones were hidden meanwhile
        shown = visible[:room]
        self._shown += zip([row.id for row in shown], posts.texts(shown), strict=True)
        self._has_more = not is_last or len(visible) > room
        self._position = ids[-1] if ids else None


def _without(lists: dict[int, Listed], gone: set[int]) -> dict[int, Listed]:
    return {owner: listed for owner, listed in lists.items() if owner not in gone} if gone else lists
