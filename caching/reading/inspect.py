"""Single entries of rows, for operators: describing and dropping one."""

from typing import Any

from ..cacheable import Cacheable
from ..conf import OFF, conf
from ..entries.rows import rows_of
from ..protocol import steps
from ..protocol.codec import Stale
from ..redis.client import round_trip


def describe(model: Any, pk: Any) -> str:
    """Return the state of a row's entry in words; raises redis.RedisError when Redis cannot be reached."""
    if not conf().enabled:
        return OFF
    key = rows_of(model).key(pk)
    entry, life_ms = round_trip([("GET", key), ("PTTL", key)])
    if entry is None:
        return f"{key} is absent: the next reader loads it from the database."
    return f"{key} {_state(model, pk, entry)}; it expires in {life_ms / 1000:.1f} s."


def _state(model: type[Cacheable], pk: Any, entry: bytes) -> str:
    if entry[0] == steps.LEASE:
        return "is being loaded by a reader"
    if entry[0] == steps.HOLD:
        return f"is held by {len(entry) // 29} writer(s)"
    try:
        row = rows_of(model).decode(pk, entry)
    except Stale:
        return "has an entry of another version"
    if row is None:
        return "says that there is no such row"
    columns = ", ".join(f"{name}={getattr(row, name)!r}" for name in rows_of(model).codec.columns)
    return f"has a value: {columns}"


def drop(model: Any, pk: Any) -> None:
    """Delete a row's entry unless a writer holds it; raises redis.RedisError when Redis cannot be reached."""
    if conf().enabled:
        steps.discard([rows_of(model).key(pk)])
