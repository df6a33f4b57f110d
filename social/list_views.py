"""Lists of users over HTTP."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from api.cursors import Location
from api.ids import parse_id
from api.reads import answer
from api.schema import described, id_in_path, page_query
from api.views import BatchedView
from caching.api import Batch
from replicas.reads import may_read_replica
from social import user_lists
from users.schemas.output import UserPage


class _ListView(BatchedView):
    users: type[user_lists.UserList]

    def prepare(self, request: Request, batch: Batch, caller_id: int, user_id: str = "") -> None:
        owner_id = parse_id(user_id) if user_id else caller_id
        self.read = self.users(batch, caller_id, owner_id, Location.of(request))

    @may_read_replica
    def page(self) -> HttpResponse:
        return answer(self.read)


_of_user: Any = described(
    answers={200: UserPage}, problems=("blocked", "not_found"), query=[id_in_path("user_id"), *page_query()]
)
_of_caller: Any = described(answers={200: UserPage}, query=page_query())


class FollowersView(_ListView):
    """Endpoint /api/v1/users/{id}/followers: GET returns a page of the user's followers."""

    users = user_lists.Followers

    @_of_user
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """List the followers of a user.

        A page has up to 20 users, the newest follow first.
        """
        return self.page()


class FollowingView(_ListView):
    """Endpoint /api/v1/users/{id}/following: GET returns a page of the users whom the user follows."""

    users = user_lists.Following

    @_of_user
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """List the users whom a user follows.

        A page has up to 20 users, the newest follow first.
        """
        return self.page()


class FriendsView(_ListView):
    """Endpoint /api/v1/users/me/friends: GET returns a page of the users who follow the caller and are followed."""

    users = user_lists.Friends

    @_of_caller
    def get(self, request: Request) -> HttpResponse:
        """List the own friends.

        Friends follow each other. A page has up to 20 users, the caller's newest follow first.
        """
        return self.page()


class BlocksView(_ListView):
    """Endpoint /api/v1/users/me/blocks: GET returns a page of the users whom the caller blocks."""

    users = user_lists.Blocks

    @_of_caller
    def get(self, request: Request) -> HttpResponse:
        """List the users whom the caller blocks.

        A page has up to 20 users, the newest block first. No other list shows them to the caller.
        """
        return self.page()
