"""What the cache did, per model, in this process, since it started.

hits      answered by an entry (a row, or "no such row")
misses    loaded from the database under a lease, to be filled
waits     had to wait for another reader's load
refused   loaded, but not filled: a writer came in between, or the entry was evicted
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
    if times:
        with _lock:
            _counts[event][label] += times


def hits(numbers: Mapping[str, int]) -> None:
    """Of several labels at once."""
    counts = _counts["hits"]
    with _lock:
        for label, number in numbers.items():
            counts[label] += number


def snapshot() -> dict[str, dict[Event, int]]:
    """{model label: {event: count}}; counts never fall while the process lives."""
    totals: dict[str, dict[Event, int]] = {}
    with _lock:
        for event, counts in _counts.items():
            for label, times in counts.items():
                totals.setdefault(label, {})[event] = times
    return totals
