"""Pages of people as one viewer sees them."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from api import cursors
from api.json import json_response
from api.keysets import Page
from caching.api import Batch
from users import list_filters
from users.models import User
from users.projections import PUBLIC


def page_of_people(request: Request, found: Page, *, purpose: str, filtered: bool = True) -> HttpResponse:
    """`found.items` are user ids; who is hidden from the caller is left out if `filtered`. One Redis round trip."""
    batch = Batch()
    people = batch.rows(User, found.items)
    hidden = list_filters.request_hidden(batch, request.user.id, found.items if filtered else [])
    batch.run()
    unseen = hidden()
    results: list[Any] = [row for row in people.structs(*PUBLIC).results if row.id not in unseen]
    return json_response(cursors.page(request, results, purpose=purpose, after=found.after, before=found.before))
