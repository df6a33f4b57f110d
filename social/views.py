"""Follows and blocks over HTTP."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from api.ids import parse_id, parse_ids
from api.json import json_response
from api.problems import bad_input
from api.reads import answer
from api.schema import described, id_in_path, ids_query
from api.views import BatchedView
from caching.api import Batch
from social import relationships, services
from social.reads import Relationships
from social.schemas import output
from users.models import User
from users.visibility import blocked, is_gone, no_such_user


class _EdgeView(BatchedView):
    # An edge between the caller and the user in the path. All methods answer with the resulting relationship.

    def prepare(self, request: Request, batch: Batch, caller_id: int, user_id: str) -> None:
        self.user_id = parse_id(user_id)
        if self.user_id == caller_id:
            raise bad_input("id", "This is about two people, and you gave your own id.", "self")
        self.users = batch.rows(User, [self.user_id])
        self.read_after = Batch()
        self.read_relationships = relationships.request_relationships(self.read_after, caller_id, [self.user_id])

    def write(self, request: Request, service: Callable[..., Any], **pair: int) -> HttpResponse:
        if is_gone(self.users.row(self.user_id)):
            raise no_such_user()
        try:
            service(**pair, read_after=self.read_after)
        except services.Blocked:
            raise blocked() from None
        except User.DoesNotExist:
            raise no_such_user() from None
        self.read_after.run()
        return json_response(self.read_relationships()[self.user_id])


def _edge(*problems: str) -> Any:
    return described(
        answers={200: output.Relationship}, problems=("self", "not_found", *problems), query=[id_in_path("user_id")]
    )


class FollowView(_EdgeView):
    """Endpoint /api/v1/users/{id}/follow: PUT follows the user, DELETE unfollows; both return the relationship."""

    @_edge("blocked")
    def put(self, request: Request, user_id: str) -> HttpResponse:
        """Follow a user.

        May be repeated. The answer is the resulting relationship.
        """
        return self.write(request, services.follow, follower_id=self.caller_id, followee_id=self.user_id)

    @_edge()
    def delete(self, request: Request, user_id: str) -> HttpResponse:
        """Unfollow a user.

        May be repeated. The answer is the resulting relationship.
        """
        return self.write(request, services.unfollow, follower_id=self.caller_id, followee_id=self.user_id)


class FollowerView(_EdgeView):
    """Endpoint /api/v1/users/{id}/follower: DELETE ends the user's follow of the caller; returns the relationship."""

    @_edge()
    def delete(self, request: Request, user_id: str) -> HttpResponse:
        """Remove a follower.

        The user no longer follows the caller, and may follow again. May be repeated.
        """
        return self.write(request, services.unfollow, follower_id=self.user_id, followee_id=self.caller_id)


class BlockView(_EdgeView):
    """Endpoint /api/v1/users/{id}/block: PUT blocks the user, DELETE unblocks; both return the relationship."""

    @_edge()
    def put(self, request: Request, user_id: str) -> HttpResponse:
        """Block a user.

        Both follows end, and neither of the two sees the other any more. May be repeated.
        """
        return self.write(request, services.block, blocker_id=self.caller_id, blocked_id=self.user_id)

    @_edge()
    def delete(self, request: Request, user_id: str) -> HttpResponse:
        """Unblock a user.

        Restores no follow. May be repeated.
        """
        return self.write(request, services.unblock, blocker_id=self.caller_id, blocked_id=self.user_id)


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
