"""The reads of lists of users: followers, followed users, friends and blocked users.

Two round trips: the owner and the newest rows; then the users of the page, and who of them is hidden from the caller.
"""

from collections.abc import Iterator
from typing import Any

from api.cursors import Location, Page, Paging
from api.keysets import Keyset
from api.reads import Read
from caching.api import Batch
from social import keysets
from users.models import User
from users.visibility import ViewedUsers, blocked, is_gone, no_such_user


class UserList(Read):
    """A page of a list of users that another one owns; a 404 if that account is gone, a 403 if a block is between."""

    purpose: str
    keyset: Keyset
    despite_blocks = False
    _page: Page
    _users: ViewedUsers

    def __init__(self, batch: Batch, caller_id: int, owner_id: int, location: Location) -> None:
        self._caller_id, self._owner_id = caller_id, owner_id
        self._paging = Paging(location, caller_id, f"{self.purpose}:{owner_id}")
        self._owners = batch.rows(User, [owner_id])
        self._requested = self.keyset.request(batch, owner_id, self._paging)

    def is_nonblocking(self) -> bool:
        return self._requested.is_cached

    def further_batches(self) -> Iterator[Batch]:
        if is_gone(self._owners.only_row()):
            raise no_such_user()
        self._page = self._requested.page()
        owner_id = None if self._owner_id == self._caller_id else self._owner_id
        batch, ids = Batch(), self._page.ids
        self._users = ViewedUsers(batch, self._caller_id, ids, despite_blocks=self.despite_blocks, owner_id=owner_id)
        yield batch
        if self._owner_id in self._users.blocked:
            raise blocked()

    def document(self) -> Any:
        return self._paging.document(list(self._users.public().values()), self._page)


class Followers(UserList):
    """A page of a user's followers, the newest follow first."""

    purpose, keyset = "social.followers", keysets.FOLLOWERS


class Following(UserList):
    """A page of the users whom a user follows, the newest follow first."""

    purpose, keyset = "social.following", keysets.FOLLOWING


class Friends(UserList):
    """A page of the users who follow the caller and are followed, the caller's newest follow first."""

    purpose, keyset = "social.friends", keysets.FRIENDS


class Blocks(UserList):
    """A page of the users whom the caller blocks, the newest block first."""

    purpose, keyset, despite_blocks = "social.blocks", keysets.BLOCKING, True
