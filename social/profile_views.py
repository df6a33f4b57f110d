"""Profiles over HTTP: users with their states, counts and relationships."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from api.ids import parse_ids
from api.json import json_response
from api.schema import described, ids_query
from api.views import BatchedView
from caching.api import Batch
from counters.api import request_counts
from social import relationships
from social.schemas import output
from users import visibility
from users.models import User, UserState
from users.projections import PUBLIC, STATE_COLUMNS, state_document


class ProfilesView(BatchedView):
    """Endpoint /api/v1/users/profiles: GET returns several users by `ids`, with states, counts and relationships."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        ids = parse_ids(request.query_params)
        self.users, self.states = batch.rows(User, ids), batch.rows(UserState, ids)
        self.counts = request_counts(batch, [f"user:{each}" for each in ids])
        self.read_relationships = relationships.request_relationships(batch, caller_id, ids)

    @described(
        answers={200: output.ProfilesFound},
        problems=("blocked",),
        query=[ids_query()],
        operation_id="users_profiles_list",
    )
    def get(self, request: Request) -> HttpResponse:
        """Get the profiles of several users.

        Each is the public user with its state, its counts and the caller's relationship to it, in the order of the ids.

        Users whom a block separates from the caller are missing; if there is nobody else, the answer is 403.
        """
        relationships_by_id = self.read_relationships()
        users = visibility.without_gone(self.users)
        are_there = bool(users.cols("id").results)
        users.keep(lambda row: not relationships_by_id[row.id].is_block)
        found = users.cols(*PUBLIC)
        if are_there and not found.results:
            raise visibility.blocked()
        return json_response({"results": self._merged(found.results, relationships_by_id), "missing": found.missing})

    def _merged(self, users: list[dict[str, Any]], relationships_by_id: Mapping[int, Any]) -> list[dict[str, Any]]:
        states = {row["user_id"]: row for row in self.states.cols("user_id", *STATE_COLUMNS).results}
        counts = self.counts.result
        return [
            {
                **row,
                "state": state_document(row["id"], states.get(row["id"])),
                "counts": counts[f"user:{row['id']}"],
                "relationship": relationships_by_id[row["id"]],
            }
            for row in users
        ]
