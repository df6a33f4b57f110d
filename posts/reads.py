"""The reads of posts, for the views and the hot lane."""

from collections.abc import Iterable, Iterator
from typing import Any

from api.cursors import Location, Page, Paging
from api.json import without_times
from api.problems import first_or_raise
from api.reads import Read
from caching.api import Batch
from posts import keysets
from posts.models import HOME_PAGE, favorited
from posts.presentation import RequestedPosts
from posts.problems import no_such_post
from posts.visibility import require_author
from users.visibility import ViewedUsers

CHECK_CAP = 200


class SomePosts(Read):
    """Several posts by id: two round trips, because the authors are known by the posts."""

    def __init__(self, batch: Batch, caller_id: int, post_ids: list[int]) -> None:
        self._posts = RequestedPosts(batch, caller_id, post_ids)

    def further_batches(self) -> Iterable[Batch]:
        return self._posts.author_batches()

    def document(self) -> Any:
        return without_times(self._posts.documents()._asdict())


class OnePost(Read):
    """One post by id: two round trips; a 404 if it is not there for the caller, a 403 if a block is in between."""

    def __init__(self, batch: Batch, caller_id: int, post_id: int) -> None:
        self._posts = RequestedPosts(batch, caller_id, [post_id])

    def further_batches(self) -> Iterator[Batch]:
        row = first_or_raise(self._posts.rows, no_such_post)
        yield from self._posts.author_batches()
        require_author(self._posts.authors, row.author_id)

    def document(self) -> Any:
        return self._posts.documents().results[0]


class HomePage(Read):
    """A page of a user's posts, newest first; a 404 if the account is gone, a 403 if a block is in between.

    Two round trips: the owner and the newest ids, then the posts, whose only author is known by then.
    """

    _page: Page
    _posts: RequestedPosts

    def __init__(self, batch: Batch, caller_id: int, owner_id: int, location: Location) -> None:
        self._caller_id, self._owner_id = caller_id, owner_id
        self._paging = Paging(location, caller_id, f"posts.home:{owner_id}", size=HOME_PAGE)
        self._owners = ViewedUsers(batch, caller_id, [owner_id], despite_blocks=owner_id == caller_id)
        self._requested = keysets.HOME.request(batch, owner_id, self._paging)

    def is_nonblocking(self) -> bool:
        return self._requested.is_cached

    def further_batches(self) -> Iterator[Batch]:
        self._owners.require(self._owner_id)
        self._page = self._requested.page()
        batch = Batch()
        self._posts = RequestedPosts(batch, self._caller_id, self._page.ids, self._owners)
        yield batch

    def document(self) -> Any:
        return without_times(self._paging.document(self._posts.documents().results, self._page))


class Favorites(Read):
    """A page of the caller's favourites, newest favourite first: three round trips."""

    _page: Page
    _posts: RequestedPosts

    def __init__(self, batch: Batch, caller_id: int, location: Location) -> None:
        self._caller_id = caller_id
        self._paging = Paging(location, caller_id, f"posts.favorites:{caller_id}")
        self._requested = keysets.FAVORITES.request(batch, caller_id, self._paging)

    def is_nonblocking(self) -> bool:
        return self._requested.is_cached

    def further_batches(self) -> Iterator[Batch]:
        self._page = self._requested.page()
        batch = Batch()
        self._posts = RequestedPosts(batch, self._caller_id, self._page.ids)
        yield batch
        yield from self._posts.author_batches()

    def document(self) -> Any:
        return without_times(self._paging.document(self._posts.documents().results, self._page))


class FavoritesCheck(Read):
    """Whether each of several posts is a favourite of the caller."""

    def __init__(self, batch: Batch, caller_id: int, post_ids: list[int]) -> None:
        self._favorited = batch.add(favorited.among(caller_id, post_ids))

    def document(self) -> Any:
        return {"results": self._favorited.result}
