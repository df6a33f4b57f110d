"""Profiles over HTTP: users with their states, counts and relationships."""

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
from users.models import User, UserState
from users.projections import PUBLIC, STATE_COLUMNS, state_document


class ProfilesView(BatchedView):
    """Endpoint /api/v1/users/profiles: GET returns several users by `ids`, with states, counts and relationships."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        ids = parse_ids(request.query_params)
        self.users, self.states = batch.rows(User, ids), batch.rows(UserState, ids)
        self.counts = request_counts(batch, [f"user:{each}" for each in ids])
        self.read_relationships = relationships.request_relationships(batch, caller_id, ids)

    @described(answers={200: output.ProfilesFound}, query=[ids_query()], operation_id="users_profiles_list")
    def get(self, request: Request) -> HttpResponse:
        """Get the profiles of several users.

        Each is the public user with its state, its counts and the caller's relationship to it, in the order of the ids.
        """
        users = self.users.cols(*PUBLIC)
        return json_response({"results": self._merged(users.results), "missing": users.missing})

    def _merged(self, users: list[dict[str, Any]]) -> list[dict[str, Any]]:
        states = {row["user_id"]: row for row in self.states.cols("user_id", *STATE_COLUMNS).results}
        counts, relationships_by_id = self.counts.result, self.read_relationships()
        return [
            {
                **row,
                "state": state_document(row["id"], states.get(row["id"])),
                "counts": counts[f"user:{row['id']}"],
                "relationship": relationships_by_id[row["id"]],
            }
            for row in users
        ]
