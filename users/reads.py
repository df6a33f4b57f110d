"""The reads of users, for the views and the hot lane."""

from collections.abc import Iterator
from typing import Any

from msgspec import Raw

from api.json import without_times
from api.projections import split_fields
from api.reads import LeftToDjango, Read
from caching.api import Batch
from users.models import User, UserState
from users.projections import OWN, PRIVATE, PUBLIC, shown, state_document
from users.visibility import ViewedUsers, is_gone, no_such_user, without_gone


class OneUser(Read):
    """One user by id, with the named fields; a 404 if the account is gone. `fields` is the query parameter."""

    def __init__(self, batch: Batch, caller_id: int, user_id: int, fields: str | None) -> None:
        self._fields = split_fields(fields, public=PUBLIC, private=PRIVATE, own=user_id == caller_id)
        self._users = batch.rows(User, [user_id])

    def document(self) -> Any:
        row = self._users.only_row()
        if is_gone(row):
            raise no_such_user()
        return shown([row], self._fields)[0]


class OwnUser(Read):
    """The caller's own user, with the private fields."""

    def __init__(self, batch: Batch, caller_id: int) -> None:
        self._users = batch.rows(User, [caller_id])

    def document(self) -> Any:
        return shown([self._users.only_row()], OWN)[0]


class SomeUsers(Read):
    """Several users by id, with the named fields; accounts that are gone are missing. `fields`: see OneUser."""

    def __init__(self, batch: Batch, caller_id: int, user_ids: list[int], fields: str | None) -> None:
        self._fields = split_fields(fields, public=PUBLIC, private=PRIVATE, own=user_ids == [caller_id])
        self._users = batch.rows(User, user_ids)

    def document(self) -> Any:
        found = without_gone(self._users).rows()
        results = shown(found.results, self._fields)
        document = {"results": results, "missing": found.missing}
        return without_times(document) if set(map(type, results)) <= {Raw} else document


class NamedUser(Read):
    """The user with a username in any case, with the named fields; nobody if the account is gone. `fields`: see
    OneUser."""

    _may_block = True

    def __init__(self, batch: Batch, caller_id: int, username: str, fields: str | None) -> None:
        self._caller_id, self._fields = caller_id, fields
        self._user = User.objects.request_named(batch, username)

    def is_nonblocking(self) -> bool:
        self._may_block = False
        return True

    def further_batches(self) -> Iterator[Batch]:
        if self._user and (batch := self._user.next_batch()):
            yield batch
            if not (self._may_block or self._user.is_known):
                raise LeftToDjango

    def document(self) -> Any:
        row = self._user.row() if self._user else None
        own = row is not None and row.id == self._caller_id
        fields = split_fields(self._fields, public=PUBLIC, private=PRIVATE, own=own)
        return {"results": [] if is_gone(row) else shown([row], fields)}


class State(Read):
    """The state of a user; a 404 if the account is gone, a 403 between two users of whom one blocks the other."""

    def __init__(self, batch: Batch, caller_id: int, user_id: int) -> None:
        self._user_id = user_id
        self._states = batch.rows(UserState, [user_id])
        self._users = ViewedUsers(batch, caller_id, [user_id], despite_blocks=user_id == caller_id)

    def document(self) -> Any:
        self._users.require(self._user_id)
        return state_document(self._user_id, self._states.only_row())
