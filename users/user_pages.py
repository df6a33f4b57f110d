"""Users and pages of users as one viewer sees them."""

from collections.abc import Callable, Collection
from typing import Any

from django.http import HttpResponse

from api.cursors import Page, Paging
from api.json import json_response
from caching.api import Batch
from users.visibility import ViewedUsers


def visible_users(viewer_id: int, user_ids: Collection[int], **options: Any) -> dict[int, Any]:
    """Return the public fields of the users whom the viewer may see, by id, in the order of `user_ids`.

    Takes one Redis round trip. For the options see ViewedUsers.
    """
    return _viewed(viewer_id, user_ids, **options).public()


def page_of_users(paging: Paging, page: Page, *, matches: Callable[[Any], bool]) -> HttpResponse:
    """Return the response for a page of user ids, in one Redis round trip; only users whose rows match."""
    users = _viewed(paging.viewer_id, page.ids)
    return json_response(paging.document(list(users.public(matches).values()), page))


def _viewed(viewer_id: int, user_ids: Collection[int], **options: Any) -> ViewedUsers:
    batch = Batch()
    users = ViewedUsers(batch, viewer_id, user_ids, **options)
    batch.run()
    return users
