"""The reads of the social graph, for the views and the hot lane."""

from collections.abc import Sequence
from typing import Any

from msgspec import Raw

from api.json import without_times
from api.reads import Read
from caching.api import Batch, existence_of
from counters.api import request_counts_of
from social.relationships import RequestedRelationships
from users import visibility
from users.models import User, UserState
from users.projections import PUBLIC_JSON, state_texts


class Relationships(Read):
    """The caller's relationships to several users; accounts that are gone are missing (by Cached(live=…) of User)."""

    def __init__(self, batch: Batch, caller_id: int, ids: list[int]) -> None:
        self._users = batch.add(existence_of(User).among(ids))
        self._relationships = RequestedRelationships(batch, caller_id, ids)

    def document(self) -> Any:
        existing, missing = self._users.result
        return without_times({"results": list(map(Raw, self._relationships.texts(existing))), "missing": missing})


class Profiles(Read):
    """Several users with their states, their counts and the caller's relationships to them.

    Users who are gone, or whom a block separates from the caller, are missing; a 403 if there is nobody else.
    """

    def __init__(self, batch: Batch, caller_id: int, ids: list[int]) -> None:
        self._users, self._states = batch.rows(User, ids), batch.rows(UserState, ids)
        self._counts = request_counts_of(batch, "user", ids)
        self._relationships = RequestedRelationships(batch, caller_id, ids)

    def document(self) -> Any:
        users, separated = visibility.without_gone(self._users), self._relationships.separated
        are_there = bool(users.rows().results)
        if separated:
            users.keep(lambda row: row.id not in separated)
        rows, missing = users.rows()
        if are_there and not rows:
            raise visibility.blocked()
        return without_times({"results": self._texts(rows), "missing": missing})

    def _texts(self, rows: Sequence[Any]) -> list[Raw]:
        ids = [row.id for row in rows]
        states, counts = state_texts(self._states, ids), self._counts.texts
        parts = zip(PUBLIC_JSON.texts(rows), states, ids, self._relationships.texts(ids), strict=True)
        return [
            Raw(
                b"".join(
                    (
                        bytes(user)[:-1],
                        b',"state":',
                        state,
                        b',"counts":',
                        counts[pk],
                        b',"relationship":',
                        relationship,
                        b"}",
                    )
                )
            )
            for user, state, pk, relationship in parts
        ]
