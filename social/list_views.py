"""Lists of users over HTTP."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from api.cursors import Location, Paging
from api.ids import parse_id
from api.keysets import Keyset
from api.schema import described, id_in_path, page_query
from api.views import BatchedView
from caching.api import Batch
from replicas.reads import may_read_replica
from social import keysets
from users.models import User
from users.schemas.output import UserPage
from users.user_pages import page_of_users
from users.visibility import is_gone, no_such_user


class _ListView(BatchedView):
    # The first round trip admits the caller; the second reads the users of the page and who is hidden from the caller.

    purpose: str
    keyset: Keyset
    despite_blocks = False

    def prepare(self, request: Request, batch: Batch, caller_id: int, user_id: str = "") -> None:
        self.owner_id = parse_id(user_id) if user_id else caller_id
        self.paging = Paging(Location.of(request), caller_id, f"{self.purpose}:{self.owner_id}")
        self.owners = batch.rows(User, [self.owner_id])

    @may_read_replica
    def page(self) -> HttpResponse:
        if is_gone(self.owners.row(self.owner_id)):
            raise no_such_user()
        page = self.keyset.page_for(self.owner_id, self.paging)
        owner_id = None if self.owner_id == self.caller_id else self.owner_id
        return page_of_users(self.paging, page, despite_blocks=self.despite_blocks, owner_id=owner_id)


_of_user: Any = described(
    answers={200: UserPage}, problems=("blocked", "not_found"), query=[id_in_path("user_id"), *page_query()]
)
_of_caller: Any = described(answers={200: UserPage}, query=page_query())


class FollowersView(_ListView):
    """Endpoint /api/v1/users/{id}/followers: GET returns a page of the user's followers."""

    purpose, keyset = "social.followers", keysets.FOLLOWERS

    @_of_user
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """List the followers of a user.

        A page has up to 20 users, the newest follow first.
        """
        return self.page()


class FollowingView(_ListView):
    """Endpoint /api/v1/users/{id}/following: GET returns a page of the users whom the user follows."""

    purpose, keyset = "social.following", keysets.FOLLOWING

    @_of_user
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """List the users whom a user follows.

        A page has up to 20 users, the newest follow first.
        """
        return self.page()


class FriendsView(_ListView):
    """Endpoint /api/v1/users/me/friends: GET returns a page of the users who follow the caller and are followed."""

    purpose, keyset = "social.friends", keysets.FRIENDS

    @_of_caller
    def get(self, request: Request) -> HttpResponse:
        """List the own friends.

        Friends follow each other. A page has up to 20 users, the caller's newest follow first.
        """
        return self.page()


class BlocksView(_ListView):
    """Endpoint /api/v1/users/me/blocks: GET returns a page of the users whom the caller blocks."""

    purpose, keyset, despite_blocks = "social.blocks", keysets.BLOCKING, True

    @_of_caller
    def get(self, request: Request) -> HttpResponse:
        """List the users whom the caller blocks.

        A page has up to 20 users, the newest block first. No other list shows them to the caller.
        """
        return self.page()
