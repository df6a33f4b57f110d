"""Single entries, for operators: describing and dropping those of a row, and of the id sets and lists that it owns."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, NamedTuple

from .. import registry
from ..conf import OFF, conf
from ..entries.derived import Derived
from ..entries.id_lists import IdList
from ..entries.id_sets import IdSet
from ..entries.rows import Rows, rows_of
from ..entries.source import Source
from ..protocol import steps
from ..protocol.codec import Stale
from ..redis.breaker import breaker
from ..redis.client import round_trip
from ..redis.epochs import epochs
from ..redis.failures import Unavailable, without_errors


class Entry(NamedTuple):
    """An entry to be looked at. Both functions raise redis.RedisError or OSError when Redis cannot be reached."""

    describe: Callable[[], str]
    """Returns its state in words."""
    drop: Callable[[], Any]
    """Deletes it, so that the next reader loads it anew; a writer's hold stays."""


class Seen(NamedTuple):
    """What stands at a key: a value, without the mark of its run; the lease of a reader; the hold of writers; a value
    of another run of Redis, which counts as absent; or nothing."""

    state: Literal["absent", "lease", "hold", "value", "old run"]
    life_ms: int = 0
    value: bytes = b""
    size: int = 0
    writers: int = 0


def describe(model: Any, pk: Any, using: str | None = None) -> str:
    """Return the state of a row's entry in words; raises redis.RedisError when Redis cannot be reached."""
    return _row_entry(rows_of(model, using), pk).describe()


def drop(model: Any, pk: Any, using: str | None = None) -> None:
    """Delete a row's entry unless a writer holds it; raises redis.RedisError when Redis cannot be reached."""
    _row_entry(rows_of(model, using), pk).drop()


def entries_of(model: Any, pk: Any, using: str | None = None) -> Iterator[Entry]:
    """Yield the entries of a row of a cached model: its own, and the id sets and lists of which it is the owner."""
    yield _row_entry(rows_of(model, using), pk)
    for declarations in registry.by_model().values():
        for each in declarations:
            if isinstance(each, IdSet | IdList) and _owner_of(each) is model._meta.concrete_model:
                source = each.at(using) if using else each.here()
                identity = source.identity(pk)
                yield _set_entry(source, identity) if isinstance(source, IdSet) else _list_entry(source, identity)


def entry_of(source: Source, identity: Any, in_words: Callable[[Any], str]) -> Entry:
    """Return an entry of a source that is no scripted one; `in_words` tells what a value, or None, says."""

    def state(entry: bytes) -> str:
        try:
            return in_words(source.decode(identity, entry))
        except Stale:
            return "has an entry of another version"

    key = source.key(identity)
    return Entry(partial(_describe, key, state), partial(_drop, key))


def _row_entry(rows: Rows, pk: Any) -> Entry:
    def in_words(row: Any) -> str:
        if row is None:
            return "says that there is no such row"
        return "has a value: " + ", ".join(f"{name}={getattr(row, name)!r}" for name in rows.codec.columns)

    return entry_of(rows, rows.identity(pk), in_words)


def _list_entry(source: IdList, identity: Any) -> Entry:
    def in_words(entry: bytes) -> str:
        ids = source.listed(entry).ids
        return f"has a value: {', '.join(map(str, ids))}" if ids else "says that there are no rows"

    return entry_of(source, identity, in_words)


def _set_entry(source: IdSet, identity: Any) -> Entry:
    key = source.key(identity)

    def state(entry: bytes) -> str:
        (members,) = round_trip([("SCARD", steps.members_key(key))])
        floor = entry[1:].decode(errors="replace")
        known = "all that there are" if floor == "0" else f"all from {floor} on; the database is asked for smaller ones"
        return f"has a value: {max(0, members - 1):,} ids, {known}"  # without the sentinel

    return Entry(partial(_describe, key, state), partial(_drop, key))


def _owner_of(derived: Derived) -> Any:
    (name,) = derived.by
    return derived.model._meta.get_field(name).related_model


def look_at(key: str) -> "Seen":
    """Return what stands at a key; raises redis.RedisError or OSError when Redis cannot be reached."""
    breaker.may_read()  # which run of Redis is believed is known then
    entry, life_ms = without_errors(round_trip([("GET", key), ("PTTL", key)]))
    if entry is None:
        return Seen("absent")
    if entry[0] == steps.LEASE:
        return Seen("lease", life_ms)
    if entry[0] == steps.HOLD:
        return Seen("hold", life_ms, writers=len(entry) // steps.CLAIM_BYTES)
    value = _value_of(key, entry)
    return Seen("value" if value else "old run", life_ms, value, len(entry))


def _describe(key: str, state: Callable[[bytes], str]) -> str:
    if not conf().enabled:
        return OFF
    seen = look_at(key)
    if seen.state == "absent":
        return f"{key} is absent: the next reader loads it from the database."
    words = {
        "lease": "is being loaded by a reader",
        "hold": f"is held by {seen.writers} writer(s)",
        "old run": "was filled in another run of Redis, and counts as absent",
    }
    return f"{key} {words.get(seen.state) or state(seen.value)}; it expires in {seen.life_ms / 1000:.1f} s."


def _value_of(key: str, entry: bytes) -> bytes:
    """Return an entry without the mark of the run of Redis in which it was filled; nothing if that is not believed."""
    return epochs.unmarked([key], [entry])[0] if epochs.is_marking else entry


def _drop(key: str) -> None:
    if conf().enabled and steps.discard([key]):
        raise Unavailable(f"The server that has {key} cannot be used now: try again.")
