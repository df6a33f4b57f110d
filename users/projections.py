"""The public and private fields of accounts and states, for all apps that show users."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.utils import timezone

from api.fragments import Fragments
from api.json import time_text
from caching.extend import projection
from users.models import UserState

PUBLIC = (
    "id", "username", "nickname", "avatar", "bio", "gender", "country", "city", "language", "level", "is_vip",
    "created_at",
)  # fmt: skip
PUBLIC_JSON = Fragments(*PUBLIC)
PRIVATE = ("email", "phone", "birthday")
OWN = (*PUBLIC, *PRIVATE)
FRAGMENTS = {PUBLIC: PUBLIC_JSON, OWN: Fragments(*OWN)}
STATE = ("id", "status", "message", "last_seen_at")
STATE_COLUMNS = STATE[1:]
OFFLINE, ONLINE = str(UserState.Status.OFFLINE), str(UserState.Status.ONLINE)
ONLINE_FOR = timedelta(minutes=5)  # after the last heartbeat, PATCH users/me/state


def shown(rows: Sequence[Any], fields: tuple[str, ...]) -> list[Any]:
    """Return the named fields of rows of accounts, as msgspec writes them."""
    fragments = FRAGMENTS.get(fields)
    return fragments.of(rows) if fragments else projection(fields)(rows)


class StateDocument(msgspec.Struct, frozen=True, gc=False):
    """The state of a user as it is shown; msgspec writes it as a JSON object."""

    id: int
    status: str
    message: str
    last_seen_at: str | None


def state_document(user_id: int, state: Any, now: datetime | None = None) -> StateDocument:
    """Return the document of a state, or of None for a user without one; `now` saves a look at the clock.

    Whoever was online and has not been heard of for ONLINE_FOR is shown offline. `away` and `busy` are what people say
    of themselves, and stay.
    """
    if state is None:
        return StateDocument(user_id, OFFLINE, "", None)
    status, seen = state.status, state.last_seen_at
    if status == ONLINE and (seen is None or (now or timezone.now()) - seen > ONLINE_FOR):
        status = OFFLINE
    return StateDocument(user_id, status, state.message, seen and time_text(seen))


def state_texts(states: Any, user_ids: Sequence[int]) -> list[bytes]:
    """Return the states of users as JSON, of the rows that a batch has read."""
    now, rows = timezone.now(), {row.user_id: row for row in states.rows().results}
    return [msgspec.json.encode(state_document(pk, rows[pk], now)) if pk in rows else _NO_STATE % pk for pk in user_ids]


_NO_STATE = msgspec.json.encode(state_document(0, None)).replace(b'"id":0', b'"id":%d')
