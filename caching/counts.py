"""Numbers of one process that only grow: cheap to add to on the hottest paths, and read by whoever observes it."""

import re
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper bounds of the classes in which Durations counts, in seconds; the last class has none."""


class Counts(Generic[Key]):
    """Counts events by key. Threads may count at once."""

    def __init__(self) -> None:
        self._numbers: Counter[Key] = Counter()
        self._lock = threading.Lock()

    def add(self, key: Key, times: int = 1) -> None:
        """Count an event, or several of one key."""
        with self._lock:
            self._numbers[key] += times

    def snapshot(self) -> dict[Key, int]:
        """Return {key: number} since the process started."""
        with self._lock:
            return dict(self._numbers)


def kind_of(source: type[object]) -> str:
    """Return the name of a class of cache sources, as id_set for IdSet."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", source.__name__.strip("_")).lower()


class Series:
    """Durations of one key, counted in classes; one thread adds at a time."""

    __slots__ = ("numbers", "seconds")

    def __init__(self) -> None:
        self.numbers = [0] * (len(BOUNDS_S) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self.numbers[bisect_left(BOUNDS_S, seconds)] += 1
        self.seconds += seconds


class Durations(Generic[Key]):
    """Counts durations by key, in classes: see BOUNDS_S."""

    def __init__(self) -> None:
        self._series: dict[Key, Series] = {}
        self._lock = threading.Lock()

    def of(self, key: Key) -> Series:
        """Return the series of a key, for an event loop that adds to it alone."""
        series = self._series.get(key)
        if series is None:
            with self._lock:
                series = self._series.setdefault(key, Series())
        return series

    def add(self, key: Key, seconds: float) -> None:
        """Count a duration; threads may do so at once."""
        series = self.of(key)
        with self._lock:
            series.add(seconds)

    def snapshot(self) -> dict[Key, list[float]]:
        """Return {key: [number in each class …, seconds in all]} since the process started."""
        with self._lock:
            return {key: [*series.numbers, series.seconds] for key, series in self._series.items()}
