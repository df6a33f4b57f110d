"""The read of relationships; the hot lane answers its plainest form."""

from typing import Any

from api.ids import ids_of
from api.reads import Read
from caching.api import Batch, existence_of
from serving.hot_lane.routes import IDS, Route
from social import relationships
from users.models import User


class Relationships(Read):
    def __init__(self, batch: Batch, caller_id: int, ids: list[int]) -> None:
        self._people = batch.add(existence_of(User).among(ids))
        self._relationships = relationships.ask(batch, caller_id, ids)

    def document(self) -> Any:
        found = self._relationships()
        there, missing = self._people.result
        return {"results": [found[each] for each in there], "missing": missing}


ADDRESSES = (
    Route(
        "relationships",
        rf"ids={IDS}",
        lambda batch, caller_id, ids: Relationships(batch, caller_id, ids_of(ids)),
    ),
)
