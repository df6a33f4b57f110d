"""The reads of users, for the views and for the hot lane."""

from typing import Any

from api.problems import not_found
from api.projections import fields_of
from api.reads import Read
from caching.api import Batch
from users.models import User
from users.projections import PRIVATE, PUBLIC


class OneUser(Read):
    def __init__(self, batch: Batch, caller_id: int, wanted: int, fields: str | None) -> None:
        self._fields = fields_of(fields, public=PUBLIC, private=PRIVATE, own=wanted == caller_id)
        self._people = batch.rows(User, [wanted])

    def document(self) -> Any:
        found = self._people.structs(*self._fields).results
        if not found:
            raise not_found("such user")
        return found[0]


class SomeUsers(Read):
    def __init__(self, batch: Batch, caller_id: int, wanted: list[int], fields: str | None) -> None:
        self._fields = fields_of(fields, public=PUBLIC, private=PRIVATE, own=wanted == [caller_id])
        self._people = batch.rows(User, wanted)

    def document(self) -> Any:
        return self._people.structs(*self._fields)._asdict()
