"""The reads of the social graph, for the views and the hot lane."""

from typing import Any

import msgspec

from api.json import without_times
from api.reads import Read
from caching.api import Batch, existence_of
from counters.api import request_counts_of
from social import relationships
from users import visibility
from users.models import User, UserState
from users.projections import PUBLIC_JSON, states_of


class _Part(msgspec.Struct, frozen=True, gc=False):
    # What a profile adds to the public user.

    state: Any
    counts: Any
    relationship: Any


class Relationships(Read):
    """The caller's relationships to several users; accounts that are gone are missing (by Cached(live=…) of User)."""

    def __init__(self, batch: Batch, caller_id: int, ids: list[int]) -> None:
        self._users = batch.add(existence_of(User).among(ids))
        self._read_relationships = relationships.request_relationships(batch, caller_id, ids)

    def document(self) -> Any:
        relationships_by_id = self._read_relationships()
        existing, missing = self._users.result
        return {"results": [relationships_by_id[user_id] for user_id in existing], "missing": missing}


class Profiles(Read):
    """Several users with their states, their counts and the caller's relationships to them.

    Users who are gone, or whom a block separates from the caller, are missing; a 403 if there is nobody else.
    """

    def __init__(self, batch: Batch, caller_id: int, ids: list[int]) -> None:
        self._users, self._states = batch.rows(User, ids), batch.rows(UserState, ids)
        self._counts = request_counts_of(batch, "user", ids)
        self._read_relationships = relationships.request_relationships(batch, caller_id, ids)

    def document(self) -> Any:
        relationships_by_id = self._read_relationships()
        users = visibility.without_gone(self._users)
        are_there = bool(users.rows().results)
        users.keep(lambda row: not relationships_by_id[row.id].is_block)
        found = users.rows()
        if are_there and not found.results:
            raise visibility.blocked()
        states, counts = states_of(self._states), self._counts.result
        parts = (_Part(states(row.id), counts[row.id], relationships_by_id[row.id]) for row in found.results)
        return without_times({"results": PUBLIC_JSON.extended(found.results, parts), "missing": found.missing})
