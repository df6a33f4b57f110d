"""The reads of the social graph that the hot lane answers, each in its plainest form."""

from api.ids import ids_of
from serving.hot_lane.routes import IDS, Route
from social.reads import Relationships

ROUTES = (
    Route(
        "relationships",
        rf"ids={IDS}",
        lambda batch, caller_id, ids: Relationships(batch, caller_id, ids_of(ids)),
    ),
)
