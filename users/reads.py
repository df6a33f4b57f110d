"""The reads of users, for the views and the hot lane."""

from typing import Any

from api.projections import split_fields
from api.reads import Read
from caching.api import Batch
from users.models import User
from users.projections import PRIVATE, PUBLIC
from users.visibility import is_gone, no_such_user, without_gone


class OneUser(Read):
    """One user by id, with the named fields; a 404 if the account is gone. `fields` is the query parameter."""

    def __init__(self, batch: Batch, caller_id: int, user_id: int, fields: str | None) -> None:
        self._fields = split_fields(fields, public=PUBLIC, private=PRIVATE, own=user_id == caller_id)
        self._users = batch.rows(User, [user_id])

    def document(self) -> Any:
        if is_gone(self._users.only_row()):
            raise no_such_user()
        return self._users.structs(*self._fields).results[0]


class SomeUsers(Read):
    """Several users by id, with the named fields; accounts that are gone are missing. `fields`: see OneUser."""

    def __init__(self, batch: Batch, caller_id: int, user_ids: list[int], fields: str | None) -> None:
        self._fields = split_fields(fields, public=PUBLIC, private=PRIVATE, own=user_ids == [caller_id])
        self._users = batch.rows(User, user_ids)

    def document(self) -> Any:
        return without_gone(self._users).structs(*self._fields)._asdict()
