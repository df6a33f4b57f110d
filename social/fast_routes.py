"""The reads and writes of the social graph that the hot lane answers, in the form without optional variations."""

from api.ids import split_ids
from serving.api import IDS, PagedRoute, Route, WriteRoute
from social.reads import Profiles, Relationships
from social.user_lists import Followers, Following
from social.writes import FollowUser, UnfollowUser

ROUTES = (
    WriteRoute("PUT", "users/{id}/follow", FollowUser),
    WriteRoute("DELETE", "users/{id}/follow", UnfollowUser),
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
    PagedRoute("users/{id}/followers", Followers),
    PagedRoute("users/{id}/following", Following),
)
