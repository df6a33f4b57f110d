"""The reads of the social graph that the hot lane answers, in the form without optional variations."""

from api.ids import split_ids
from serving.api import IDS, Route
from social.reads import Profiles, Relationships

ROUTES = (
    Route(
        "relationships",
        rf"ids={IDS}",
        lambda batch, caller_id, ids: Relationships(batch, caller_id, split_ids(ids)),
    ),
    Route(
        "users/profiles",
        rf"ids={IDS}",
        lambda batch, caller_id, ids: Profiles(batch, caller_id, split_ids(ids)),
    ),
)
