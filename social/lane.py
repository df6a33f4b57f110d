"""The read of relationships; the hot lane answers its plainest form."""

from typing import Any

from api.ids import ids_of
from api.reads import Read
from caching import Batch
from lane.addresses import IDS, Address
from social import relationships
from users.models import User


class Relationships(Read):
    def __init__(self, batch: Batch, caller_id: int, ids: list[int]) -> None:
        self._people = batch.rows(User, ids)
        self._relationships = relationships.ask(batch, caller_id, ids)

    def document(self) -> Any:
        found = self._relationships()
        people = self._people.documents("id")
        return {"results": [found[row.id] for row in people.results], "missing": people.missing}


ADDRESSES = (
    Address(
        "relationships",
        rf"ids={IDS}",
        lambda batch, caller_id, ids: Relationships(batch, caller_id, ids_of(ids)),
    ),
)
