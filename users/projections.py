"""What of an account and of a state is shown to whom; rooms above show users by these as well."""

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
    """`state`: a row with the STATE_COLUMNS, or None for a user who has none."""
    shown = state or NEVER_SEEN
    return {"id": user_id, **{name: shown[name] for name in STATE_COLUMNS}}
