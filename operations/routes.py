"""The slowest routes of the last hours, by what the web processes have counted."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from operations.history import ANSWERS, MILLISECONDS, Bucket

SHOWN = 10


class Route(NamedTuple):
    """A method and a route, how often it was answered, and the time that an answer took on average."""

    name: str
    answers: int
    mean_ms: float


def slowest(buckets: Sequence[Bucket]) -> list[Route]:
    """Return the routes whose answers took longest on average, the slowest first."""
    totals: Counter[tuple[str, str]] = Counter()
    for bucket in buckets:
        totals.update({key: number for key, number in bucket.numbers.items() if key[1] in (ANSWERS, MILLISECONDS)})
    routes = [
        Route(name, number, totals[name, MILLISECONDS] / number)
        for (name, event), number in totals.items()
        if event == ANSWERS and number
    ]
    return sorted(routes, key=lambda route: -route.mean_ms)[:SHOWN]
