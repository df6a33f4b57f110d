"""Profiles over HTTP: users with their states, counts and relationships."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.ids import parse_ids
from api.reads import answer
from api.schema import described, ids_query
from api.views import BatchedView
from caching.api import Batch
from social.reads import Profiles
from social.schemas import output


class ProfilesView(BatchedView):
    """Endpoint /api/v1/users/profiles: GET returns several users by `ids`, with states, counts and relationships."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        self.read = Profiles(batch, caller_id, parse_ids(request.query_params))

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
        return answer(self.read)
