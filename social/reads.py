"""The reads of the social graph, for the views and the hot lane."""

from collections.abc import Mapping
from typing import Any

from api.reads import Read
from caching.api import Batch, existence_of
from counters.api import request_counts
from social import relationships
from users import visibility
from users.models import User, UserState
from users.projections import PUBLIC, STATE_COLUMNS, state_document


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
        self._counts = request_counts(batch, [f"user:{each}" for each in ids])
        self._read_relationships = relationships.request_relationships(batch, caller_id, ids)

    def document(self) -> Any:
        relationships_by_id = self._read_relationships()
        users = visibility.without_gone(self._users)
        are_there = bool(users.cols("id").results)
        users.keep(lambda row: not relationships_by_id[row.id].is_block)
        found = users.cols(*PUBLIC)
        if are_there and not found.results:
            raise visibility.blocked()
        return {"results": self._merged(found.results, relationships_by_id), "missing": found.missing}

    def _merged(self, users: list[dict[str, Any]], relationships_by_id: Mapping[int, Any]) -> list[dict[str, Any]]:
        states = {row["user_id"]: row for row in self._states.cols("user_id", *STATE_COLUMNS).results}
        counts = self._counts.result
        return [
            {
                **row,
                "state": state_document(row["id"], states.get(row["id"])),
                "counts": counts[f"user:{row['id']}"],
                "relationship": relationships_by_id[row["id"]],
            }
            for row in users
        ]
