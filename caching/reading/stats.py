"""Statistics of the cache, per model and kind of entry, of this process since it started.

hits      answered by an entry (a row, or "no such row")
misses    loaded from the database under a lease, to be filled
waits     waited for the load of another reader
refused   loaded, but not filled: a writer came in between, or the lease was evicted
bypasses  loaded without any intention to fill: held keys, own uncommitted writes, Redis out of reach
"""

import threading
from collections.abc import Iterable
from typing import Any, Literal

from .. import registry
from ..counts import Counts, kind_of
from ..entries.derived import Derived
from ..entries.source import Result, Source
from ..writing.held import held

Event = Literal["hits", "misses", "waits", "refused", "bypasses"]
Counted = tuple[str, type[Any]]
"""The label and the class of a source."""

_counts: Counts[tuple[Counted, Event]] = Counts()
_hits: dict[Source, int] = {}
_lock = threading.Lock()


def count(counted: Counted, event: Event, times: int = 1) -> None:
    """Count events of one source."""
    if times:
        _counts.add((counted, event), times)


def count_hits(reads: Iterable[Result[Any]]) -> None:
    """Count the entries of reads that were all hits; each hit passes through here."""
    with _lock:
        for read in reads:
            _hits[read.source] = _hits.get(read.source, 0) + len(read.ids)


def cache_events() -> dict[tuple[str, str, Event], int]:
    """Return {(model label, kind of entry, event): number}; no number ever falls while the process lives."""
    totals: dict[tuple[str, str, Event], int] = {}
    for (counted, event), number in [*_counts.snapshot().items(), *_hit_items()]:
        key = (counted[0], kind_of(counted[1]), event)
        totals[key] = totals.get(key, 0) + number
    return totals


def held_keys() -> dict[tuple[str, str], int]:
    """Return {(model label, kind of entry): the keys that writers of this process have held}, labels as in the events.

    Of keys that caching does not make, the label and the kind are what their text says.
    """
    derived = {
        (each.kind, each.name): (each.label, kind_of(type(each)))
        for declared in registry.by_model().values()
        for each in declared
        if isinstance(each, Derived)
    }
    totals: dict[tuple[str, str], int] = {}
    for group, number in held.snapshot().items():
        label, kind = derived.get(group, group)
        totals[label, kind or "rows"] = totals.get((label, kind or "rows"), 0) + number
    return totals


def snapshot() -> dict[str, dict[Event, int]]:
    """Return {model label: {event: number}}, of all kinds of entries together."""
    totals: dict[str, dict[Event, int]] = {}
    for (label, _, event), number in cache_events().items():
        events = totals.setdefault(label, {})
        events[event] = events.get(event, 0) + number
    return totals


def _hit_items() -> list[tuple[tuple[Counted, Event], int]]:
    with _lock:
        hits = _hits.copy()
    return [(((source.label, source.__class__), "hits"), number) for source, number in hits.items()]
