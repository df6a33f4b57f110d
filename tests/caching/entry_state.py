"""What the cache has stored in Redis for a row or a lookup value, read past the framework."""

from typing import Any

from caching.entries.lookup import Lookup
from caching.entries.rows import rows_of
from caching.redis.client import redis_client
from caching.redis.epochs import ID_CHARACTERS


def entry(row: Any) -> bytes | None:
    """Return the stored entry of a row; None if there is none."""
    return redis_client().get(rows_of(type(row)).key(row.pk))


def expire(row: Any) -> int:
    """Let the entry of a row expire now; return the milliseconds that it had left to live."""
    key = rows_of(type(row)).key(row.pk)
    left_ms: int = redis_client().pttl(key)
    redis_client().pexpire(key, 1)
    while redis_client().exists(key):
        pass
    return left_ms


def state(row: Any) -> str:
    """Return the state of a row's entry: "value", "nothing", "lease", "hold" or "absent"."""
    return state_of(entry(row))


def lookup_state(model: Any, column: str, value: Any) -> str:
    """Return the state of the entry that leads from a lookup value to a primary key."""
    return state_of(redis_client().get(Lookup(model, column).key(value)))


def state_of(entry: bytes | None) -> str:
    names = {b"V": "value", b"N": "nothing", b"L": "lease", b"H": "hold"}
    marked = 1 + ID_CHARACTERS if entry and entry.startswith(b"E") else 0
    return names[entry[marked : marked + 1]] if entry else "absent"
