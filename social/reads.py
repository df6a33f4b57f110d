"""The reads of the social graph, for the views and for the hot lane."""

from typing import Any

from api.reads import Read
from caching.api import Batch, existence_of
from social import relationships
from users.models import User


class Relationships(Read):
    def __init__(self, batch: Batch, caller_id: int, ids: list[int]) -> None:
        self._people = batch.add(existence_of(User).among(ids))
        self._relationships = relationships.request_relationships(batch, caller_id, ids)

    def document(self) -> Any:
        found = self._relationships()
        there, missing = self._people.result
        return {"results": [found[each] for each in there], "missing": missing}
