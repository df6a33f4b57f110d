"""The reads of the social graph, for the views and the hot lane."""

from typing import Any

from api.reads import Read
from caching.api import Batch, existence_of
from social import relationships
from users.models import User


class Relationships(Read):
    """The caller's relationships to several users; accounts that are gone are missing (by Cached(live=…) of User)."""

    def __init__(self, batch: Batch, caller_id: int, ids: list[int]) -> None:
        self._users = batch.add(existence_of(User).among(ids))
        self._read_relationships = relationships.request_relationships(batch, caller_id, ids)

    def document(self) -> Any:
        relationships_by_id = self._read_relationships()
        existing, missing = self._users.result
        return {"results": [relationships_by_id[user_id] for user_id in existing], "missing": missing}
