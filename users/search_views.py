"""Search over HTTP."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from api import cursors
from api.json import json_response
from api.problems import bad_input
from api.schema import cursor_query, described
from api.views import BatchedView
from caching.api import Batch
from users import list_filters, search
from users.models import User
from users.projections import PUBLIC
from users.schemas import output
from users.terms import parse

LONGEST_QUERY = 64


class SearchView(BatchedView):
    def wants(self, request: Request, batch: Batch, caller_id: int) -> None:
        self.q = request.GET.get("q", "")
        if not 1 <= len(self.q) <= LONGEST_QUERY or "\0" in self.q:
            raise bad_input("q", f"q is 1 to {LONGEST_QUERY} characters of a username or nickname.", "bad_query")
        self.purpose = f"users.search:{self.q}"
        self.cursor = cursors.from_request(request, self.purpose)

    @described(
        answers={200: output.UserPage},
        query=[
            OpenApiParameter("q", {"type": "string", "minLength": 1, "maxLength": LONGEST_QUERY}, required=True),
            cursor_query(),
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        """Active users whose username begins with `q`, or whose nickname has words that begin so or contains it."""
        query = parse(self.q)
        found = search.find(query, self.cursor)
        batch = Batch()
        people = batch.rows(User, found.user_ids)
        hidden = list_filters.request_hidden(batch, request.user.id, found.user_ids)
        batch.run()
        rows, unseen = people.cols(*PUBLIC, "is_active").results, hidden()
        results = [
            {name: row[name] for name in PUBLIC}
            for row in search.those_that_match(query, rows)
            if row["id"] not in unseen
        ]
        return json_response(
            cursors.page(request, results, purpose=self.purpose, after=found.after, before=found.before)
        )
