"""The public and private fields of accounts and states, for all apps that show users."""

from collections.abc import Mapping
from typing import Any

from users.models import UserState

PUBLIC = (
    "id", "username", "nickname", "avatar", "bio", "gender", "country", "city", "language", "level", "is_vip",
    "created_at",
)  # fmt: skip
PRIVATE = ("email", "phone", "birthday")
OWN = (*PUBLIC, *PRIVATE)
STATE = ("id", "status", "message", "last_seen_at")
STATE_COLUMNS = STATE[1:]
NEVER_SEEN = {"status": UserState.Status.OFFLINE, "message": "", "last_seen_at": None}


def state_document(user_id: int, state: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the JSON document of a state: a row with the STATE_COLUMNS, or None for a user without a row."""
    row = state or NEVER_SEEN
    return {"id": user_id, **{name: row[name] for name in STATE_COLUMNS}}
