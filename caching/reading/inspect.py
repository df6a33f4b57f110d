"""Single entries of rows, for operators: describing and dropping one."""

from typing import Any

from ..conf import OFF, conf
from ..entries.rows import Rows, rows_of
from ..protocol import steps
from ..protocol.codec import Stale
from ..redis.client import round_trip


def describe(model: Any, pk: Any, using: str | None = None) -> str:
    """Return the state of a row's entry in words; raises redis.RedisError when Redis cannot be reached."""
    if not conf().enabled:
        return OFF
    rows = rows_of(model, using)
    key = rows.key(rows.identity(pk))
    entry, life_ms = round_trip([("GET", key), ("PTTL", key)])
    if entry is None:
        return f"{key} is absent: the next reader loads it from the database."
    return f"{key} {_state(rows, pk, entry)}; it expires in {life_ms / 1000:.1f} s."


def _state(rows: Rows, pk: Any, entry: bytes) -> str:
    if entry[0] == steps.LEASE:
        return "is being loaded by a reader"
    if entry[0] == steps.HOLD:
        return f"is held by {len(entry) // 29} writer(s)"
    try:
        row = rows.decode(pk, entry)
    except Stale:
        return "has an entry of another version"
    if row is None:
        return "says that there is no such row"
    columns = ", ".join(f"{name}={getattr(row, name)!r}" for name in rows.codec.columns)
    return f"has a value: {columns}"


def drop(model: Any, pk: Any, using: str | None = None) -> None:
    """Delete a row's entry unless a writer holds it; raises redis.RedisError when Redis cannot be reached."""
    rows = rows_of(model, using)
    if conf().enabled:
        steps.discard([rows.key(rows.identity(pk))])
