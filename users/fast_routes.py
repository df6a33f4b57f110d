"""The reads of users that the hot lane answers, each in its plainest form."""

from api.ids import ids_of
from serving.hot_lane.routes import FIELDS, IDS, Route
from users.reads import OneUser, SomeUsers

ROUTES = (
    Route("users/{id}", rf"(?:fields={FIELDS})?", OneUser),
    Route(
        "users",
        rf"ids={IDS}(?:&fields={FIELDS})?",
        lambda batch, caller_id, ids, fields: SomeUsers(batch, caller_id, ids_of(ids), fields),
    ),
)
