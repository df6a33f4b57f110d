"""Pages of users as one viewer sees them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse

from api.cursors import Page, Paging
from api.json import json_response
from caching.api import Batch
from users.visibility import ViewedUsers


def page_of_users(paging: Paging, page: Page, *, matches: Callable[[Any], bool]) -> HttpResponse:
    """Return the response for a page of user ids, in one Redis round trip; only users whose rows match."""
    batch = Batch()
    users = ViewedUsers(batch, paging.viewer_id, page.ids)
    batch.run()
    return json_response(paging.document(list(users.public(matches).values()), page))
