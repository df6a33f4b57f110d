"""Follows and blocks over HTTP."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from api.ids import parse_id, parse_ids
from api.reads import answer
from api.schema import described, id_in_path, ids_query
from api.views import BatchedView
from api.writes import answer_write
from caching.api import Batch
from social.reads import Relationships
from social.schemas import output
from social.writes import BlockUser, EdgeWrite, FollowUser, RemoveFollower, UnblockUser, UnfollowUser


class _EdgeView(BatchedView):
    # An edge between the caller and the user in the path. All methods answer with the resulting relationship.

    writes: ClassVar[Mapping[str, type[EdgeWrite]]]

    def prepare(self, request: Request, batch: Batch, caller_id: int, user_id: str) -> None:
        self.write = self.writes[request.method or ""](batch, caller_id, parse_id(user_id))


def _edge(*problems: str) -> Any:
    return described(
        answers={200: output.Relationship}, problems=("self", "not_found", *problems), query=[id_in_path("user_id")]
    )


class FollowView(_EdgeView):
    """Endpoint /api/v1/users/{id}/follow: PUT follows the user, DELETE unfollows; both return the relationship."""

    writes: ClassVar = {"PUT": FollowUser, "DELETE": UnfollowUser}

    @_edge("blocked")
    def put(self, request: Request, user_id: str) -> HttpResponse:
        """Follow a user.

        May be repeated. The answer is the resulting relationship.
        """
        return answer_write(self.write)

    @_edge()
    def delete(self, request: Request, user_id: str) -> HttpResponse:
        """Unfollow a user.

        May be repeated. The answer is the resulting relationship.
        """
        return answer_write(self.write)


class FollowerView(_EdgeView):
    """Endpoint /api/v1/users/{id}/follower: DELETE ends the user's follow of the caller; returns the relationship."""

    writes: ClassVar = {"DELETE": RemoveFollower}

    @_edge()
    def delete(self, request: Request, user_id: str) -> HttpResponse:
        """Remove a follower.

        The user no longer follows the caller, and may follow again. May be repeated.
        """
        return answer_write(self.write)


class BlockView(_EdgeView):
    """Endpoint /api/v1/users/{id}/block: PUT blocks the user, DELETE unblocks; both return the relationship."""

    writes: ClassVar = {"PUT": BlockUser, "DELETE": UnblockUser}

    @_edge()
    def put(self, request: Request, user_id: str) -> HttpResponse:
        """Block a user.

        Both follows end, and neither of the two sees the other any more. May be repeated.
        """
        return answer_write(self.write)

    @_edge()
    def delete(self, request: Request, user_id: str) -> HttpResponse:
        """Unblock a user.

        Restores no follow. May be repeated.
        """
        return answer_write(self.write)


class RelationshipsView(BatchedView):
    """Endpoint /api/v1/relationships: GET returns the caller's relationships to several users by `ids`."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        self.read = Relationships(batch, caller_id, parse_ids(request.query_params))

    @described(answers={200: output.Relationships}, query=[ids_query()], operation_id="relationships_list")
    def get(self, request: Request) -> HttpResponse:
        """Get the relationships to several users.

        They come in the order of the ids; `missing` has the unknown ids.
        """
        return answer(self.read)
