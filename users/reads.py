"""The reads of users, for the views and the hot lane."""

from typing import Any

from api.problems import first_or_raise, not_found
from api.projections import split_fields
from api.reads import Read
from caching.api import Batch
from users.models import User
from users.projections import PRIVATE, PUBLIC


class SomeUsers(Read):
    """Several users by id, with the named fields; `fields` is the query parameter."""

    def __init__(self, batch: Batch, caller_id: int, user_ids: list[int], fields: str | None) -> None:
        self._fields = split_fields(fields, public=PUBLIC, private=PRIVATE, own=user_ids == [caller_id])
        self._users = batch.rows(User, user_ids)

    def document(self) -> Any:
        return self._users.structs(*self._fields)._asdict()


class OneUser(SomeUsers):
    """One user by id; a 404 if there is none."""

    def __init__(self, batch: Batch, caller_id: int, user_id: int, fields: str | None) -> None:
        super().__init__(batch, caller_id, [user_id], fields)

    def document(self) -> Any:
        return first_or_raise(self._users.structs(*self._fields).results, not_found("such user"))
