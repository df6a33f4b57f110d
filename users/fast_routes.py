"""The reads of users that the hot lane answers, in the form without optional variations."""

from api.ids import split_ids
from serving.api import FIELDS, IDS, Route
from users.reads import OneUser, SomeUsers

ROUTES = (
    Route("users/{id}", rf"(?:fields={FIELDS})?", OneUser),
    Route(
        "users",
        rf"ids={IDS}(?:&fields={FIELDS})?",
        lambda batch, caller_id, ids, fields: SomeUsers(batch, caller_id, split_ids(ids), fields),
    ),
)
