"""Single entries, for operators: what stands there, and dropping it."""

from typing import TYPE_CHECKING, Any

from caching import pending, store
from caching.codec import Stale
from caching.connection import round_trip
from caching.sources import rows_of

if TYPE_CHECKING:
    from caching.managers import CachedModel


def describe(model: "type[CachedModel]", pk: Any) -> str:
    """The state of a row's entry in words; raises redis.RedisError when Redis cannot be asked."""
    key = rows_of(model).key(pk)
    entry, life_ms = round_trip([("GET", key), ("PTTL", key)])
    if entry is None:
        return f"{key} is absent: the next reader loads it from the database."
    return f"{key} {_state(model, pk, entry)}; it expires in {life_ms / 1000:.1f} s."


def _state(model: "type[CachedModel]", pk: Any, entry: bytes) -> str:
    if entry[0] == store.LEASE:
        return "is being loaded by a reader"
    if entry[0] == store.HOLD:
        return f"is held by {len(entry) // 29} writer(s)"
    try:
        row = rows_of(model).decode(pk, entry)
    except Stale:
        return "has an entry of another version"
    if row is None:
        return "says that there is no such row"
    columns = ", ".join(f"{name}={getattr(row, name)!r}" for name in rows_of(model).codec.columns)
    return f"has a value: {columns}"


def drop(model: "type[CachedModel]", pk: Any) -> None:
    """Delete a row's entry unless a writer holds it; raises redis.RedisError when Redis cannot be asked."""
    pending.discard([rows_of(model).key(pk)])
