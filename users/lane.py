"""Reads of users that are asked for the most; the hot lane answers their plainest form."""

from typing import Any

from api.ids import ids_of
from api.problems import not_found
from api.projections import fields_of
from api.reads import Read
from caching.api import Batch
from serving.hot_lane.routes import FIELDS, IDS, Route
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


ADDRESSES = (
    Route("users/{id}", rf"(?:fields={FIELDS})?", OneUser),
    Route(
        "users",
        rf"ids={IDS}(?:&fields={FIELDS})?",
        lambda batch, caller_id, ids, fields: SomeUsers(batch, caller_id, ids_of(ids), fields),
    ),
)
