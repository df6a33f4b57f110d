"""Search over HTTP."""

from functools import partial

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.request import Request

from api.cursors import Location, Paging
from api.problems import bad_input
from api.schema import described, page_query
from api.views import BatchedView
from caching.api import Batch
from replicas.reads import may_read_replica
from users import search
from users.schemas import output
from users.terms import parse
from users.user_pages import page_of_users

LONGEST_QUERY = 64


class SearchView(BatchedView):
    """Endpoint /api/v1/users/search: GET returns a page of the active users whose names match `q`."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        self.q = request.GET.get("q", "")
        if not 1 <= len(self.q) <= LONGEST_QUERY or "\0" in self.q:
            raise bad_input("q", f"q is 1 to {LONGEST_QUERY} characters of a username or nickname.", "bad_query")
        self.paging = Paging(Location.of(request), caller_id, f"users.search.2:{self.q}")

    @described(
        answers={200: output.UserPage},
        problems=("bad_query",),
        query=[
            OpenApiParameter(
                "q",
                {"type": "string", "minLength": 1, "maxLength": LONGEST_QUERY},
                description="The beginning of a username, or words or characters of a nickname.",
                required=True,
                examples=[OpenApiExample("Example", "an")],
            ),
            *page_query(),
        ],
    )
    @may_read_replica
    def get(self, request: Request) -> HttpResponse:
        """Search for people.

        Finds active users whose username starts with `q`, or whose nickname has words that do so, or contains `q`. The
        exact username comes first, then exact nicknames, longer usernames, and words of nicknames, the newest users
        first. Case, accents, points and invisible characters do not count.
        """
        query = parse(self.q)
        page = search.find(query, self.paging.cursor, self.paging.limit)
        return page_of_users(self.paging, page, matches=partial(search.matches, query))
