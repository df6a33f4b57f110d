"""The reads of users that the hot lane answers, in the form without optional variations."""

from api.ids import split_ids
from api.reads import Read
from caching.api import Batch
from serving.api import FIELDS, IDS, Route
from users.reads import NamedUser, OneUser, OwnUser, SomeUsers, State
from users.usernames import USERNAME_LENGTH

NAME = rf"([A-Za-z0-9_.]{{1,{USERNAME_LENGTH}}})"


def _users(batch: Batch, caller_id: int, ids: str | None, username: str, fields: str | None) -> Read:
    if ids is None:
        return NamedUser(batch, caller_id, username, fields)
    return SomeUsers(batch, caller_id, split_ids(ids), fields)


ROUTES = (
    Route("users/me", "", OwnUser),
    Route("users/{id}", rf"(?:fields={FIELDS})?", OneUser),
    Route("users/{id}/state", "", State),
    Route("users", rf"(?:ids={IDS}|username={NAME})(?:&fields={FIELDS})?", _users),
)
