"""Users and pages of users as one viewer sees them."""

from collections.abc import Callable, Collection
from typing import Any

from django.http import HttpResponse

from api.cursors import Page, Paging
from caching.api import Batch
from users import list_filters
from users.models import User
from users.projections import PUBLIC


def visible_users(
    viewer_id: int,
    user_ids: Collection[int],
    *,
    filtered: bool = True,
    matches: Callable[[Any], bool] | None = None,
) -> dict[int, Any]:
    """Return the public fields of users by id, in the order of `user_ids`, in one Redis round trip.

    Users whose row does not match are left out, and, if `filtered`, the users hidden from the viewer.
    """
    batch = Batch()
    users = batch.rows(User, user_ids)
    read_hidden_ids = list_filters.request_hidden(batch, viewer_id, user_ids if filtered else [])
    batch.run()
    hidden_ids = read_hidden_ids()
    return {
        user.id: user
        for user in users.structs(*PUBLIC).results
        if user.id not in hidden_ids and (matches is None or matches(users.row(user.id)))
    }


def page_of_users(paging: Paging, page: Page, **options: Any) -> HttpResponse:
    """Return the response for a page of user ids; for the options see visible_users()."""
    return paging.response(list(visible_users(paging.viewer_id, page.ids, **options).values()), page)
