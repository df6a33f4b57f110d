"""The reads of posts that the hot lane answers, each in its plainest form."""

from api.ids import ids_of
from posts.reads import CHECK_CAP, FavoritesCheck
from serving.hot_lane.routes import IDS, Route

ROUTES = (
    Route(
        "favorites/check",
        rf"ids={IDS}",
        lambda batch, caller_id, ids: FavoritesCheck(batch, caller_id, ids_of(ids, cap=CHECK_CAP)),
    ),
)
