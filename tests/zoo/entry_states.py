"""What Redis has stored for rows and sets, read past the framework."""

from typing import Any

from caching.api import redis_client
from caching.entries.rows import rows_of

STATES = {b"V": "value", b"N": "nothing", b"L": "lease", b"H": "hold"}


def state(row: Any) -> str:
    """Return the state of a row's entry: "value", "nothing", "lease", "hold" or "absent"."""
    return state_of_key(rows_of(type(row)).key(row.pk))


def state_of_key(key: str) -> str:
    """Return the state of any entry."""
    entry = redis_client().get(key)
    return STATES[entry[:1]] if entry else "absent"
