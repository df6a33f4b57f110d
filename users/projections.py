"""The public and private fields of accounts and states, for all apps that show users."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from api.fragments import Fragments
from caching.extend import projection
from users.models import UserState

PUBLIC = (
    "id", "username", "nickname", "avatar", "bio", "gender", "country", "city", "language", "level", "is_vip",
    "created_at",
)  # fmt: skip
PUBLIC_JSON = Fragments(*PUBLIC)
PRIVATE = ("email", "phone", "birthday")
OWN = (*PUBLIC, *PRIVATE)
STATE = ("id", "status", "message", "last_seen_at")
STATE_COLUMNS = STATE[1:]
ONLINE_FOR = timedelta(minutes=5)  # after the last heartbeat, PATCH users/me/state
NEVER_SEEN = {"status": UserState.Status.OFFLINE, "message": "", "last_seen_at": None}


def shown(rows: Sequence[Any], fields: tuple[str, ...]) -> list[Any]:
    """Return the named fields of rows of accounts, as msgspec writes them."""
    return PUBLIC_JSON.of(rows) if fields == PUBLIC else projection(fields)(rows)


def state_document(user_id: int, state: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the JSON document of a state: a row with the STATE_COLUMNS, or None for a user without a row.

    Whoever was online and has not been heard of for ONLINE_FOR is shown offline. `away` and `busy` are what people say
    of themselves, and stay.
    """
    row: Mapping[str, Any] = state or NEVER_SEEN
    document = {"id": user_id, **{name: row[name] for name in STATE_COLUMNS}}
    if row["status"] == UserState.Status.ONLINE and not _was_seen_lately(row["last_seen_at"]):
        document["status"] = UserState.Status.OFFLINE
    return document


def _was_seen_lately(last_seen_at: datetime | None) -> bool:
    return last_seen_at is not None and timezone.now() - last_seen_at <= ONLINE_FOR
