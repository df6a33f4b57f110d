"""The reads of posts that the hot lane answers, in the form without optional variations."""

from api.ids import split_ids
from posts.reads import CHECK_CAP, FavoritesCheck
from serving.api import IDS, Route

ROUTES = (
    Route(
        "favorites/check",
        rf"ids={IDS}",
        lambda batch, caller_id, ids: FavoritesCheck(batch, caller_id, split_ids(ids, cap=CHECK_CAP)),
    ),
)
