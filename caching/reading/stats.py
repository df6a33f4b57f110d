"""Statistics of the cache, per model, of this process since it started.

hits      answered by an entry (a row, or "no such row")
misses    loaded from the database under a lease, to be filled
waits     waited for the load of another reader
refused   loaded, but not filled: a writer came in between, or the lease was evicted
bypasses  loaded without any intention to fill: held keys, own uncommitted writes, Redis out of reach
"""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

Event = Literal["hits", "misses", "waits", "refused", "bypasses"]

_counts: dict[Event, Counter[str]] = {event: Counter() for event in get_args(Event)}
_lock = threading.Lock()


def count(label: str, event: Event, times: int = 1) -> None:
    """Count events of one label."""
    if times:
        with _lock:
            _counts[event][label] += times


def count_hits(numbers: Mapping[str, int]) -> None:
    """Count hits of several labels at once."""
    counts = _counts["hits"]
    with _lock:
        for label, number in numbers.items():
            counts[label] += number


def snapshot() -> dict[str, dict[Event, int]]:
    """Return {model label: {event: count}}; counts never fall while the process lives."""
    totals: dict[str, dict[Event, int]] = {}
    with _lock:
        for event, counts in _counts.items():
            for label, times in counts.items():
                totals.setdefault(label, {})[event] = times
    return totals
