"""Lists of people over HTTP."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from api import cursors
from api.ids import parse_id
from api.keysets import Page
from api.problems import not_found
from api.schema import cursor_query, described, id_in_path
from api.views import BatchedView
from caching.api import Batch
from social import lists
from users.models import User
from users.schemas.output import UserPage
from users.user_pages import page_of_people


class _PeopleView(BatchedView):
    # The first round trip admits the caller; the second hydrates the page and asks who is hidden from the caller.

    purpose = ""

    def wants(self, request: Request, batch: Batch, caller_id: int, user_id: str = "") -> None:
        self.owner_id = parse_id(user_id) if user_id else caller_id
        self.list_name = f"{self.purpose}:{self.owner_id}"
        self.cursor = cursors.from_request(request, self.list_name)
        self.owners = batch.rows(User, [self.owner_id])

    def shown(self, request: Request, found: Page, *, filtered: bool = True) -> HttpResponse:
        return page_of_people(request, found, purpose=self.list_name, filtered=filtered)

    def require_owner(self) -> None:
        if self.owners.row(self.owner_id) is None:
            raise not_found("such user")


def _page_of(owner: str) -> Any:
    if owner == "me":
        return described(answers={200: UserPage}, query=[cursor_query()])
    return described(answers={200: UserPage}, problems=(404,), query=[id_in_path("user_id"), cursor_query()])


class FollowersView(_PeopleView):
    purpose = "social.followers"

    @_page_of("anybody")
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Who follows a user, newest first."""
        self.require_owner()
        return self.shown(request, lists.followers_of(self.owner_id, self.cursor))


class FollowingView(_PeopleView):
    purpose = "social.following"

    @_page_of("anybody")
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Whom a user follows, newest first."""
        self.require_owner()
        return self.shown(request, lists.followed_by(self.owner_id, self.cursor))


class FriendsView(_PeopleView):
    purpose = "social.friends"

    @_page_of("me")
    def get(self, request: Request) -> HttpResponse:
        """Whom the caller follows and is followed by, the caller's newest follow first."""
        return self.shown(request, lists.friends_of(self.owner_id, self.cursor))


class BlocksView(_PeopleView):
    purpose = "social.blocks"

    @_page_of("me")
    def get(self, request: Request) -> HttpResponse:
        """Whom the caller blocks, newest first: the one list in which they appear."""
        return self.shown(request, lists.blocked_by(self.owner_id, self.cursor), filtered=False)
