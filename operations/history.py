"""How the cache and the routes have answered over the last hours: a ring of hashes in Redis, one for each BUCKET_S.

Each web process adds what it has counted since the last time, by a thread that wakes every FLUSH_S. A hash has at most
five numbers for each cached model and two for each route, about 10 kB, and expires after KEPT_S: 2 MB in all. Without
Redis nothing is lost but the place in time: what was counted meanwhile is added when it is back.
"""

import contextlib
import threading
import time
from collections import Counter
from typing import NamedTuple

from caching.api import redis_client
from caching.extend import prefix
from caching.operate import FAILURES, snapshot
from serving.api import durations

ANSWERS, MILLISECONDS = "answers", "ms"  # of routes
BUCKET_S, KEPT_S, FLUSH_S, FRESH_S = 120, 6 * 3_600, 20, 20


class Bucket(NamedTuple):
    """What was counted in BUCKET_S: {(label, event): number}."""

    began_at: int
    numbers: dict[tuple[str, str], int]


class Recorder:
    """What this process has told Redis so far."""

    def __init__(self) -> None:
        self._told: Counter[tuple[str, str]] = Counter()

    def flush(self) -> None:
        """Add what was counted since the last time; raises redis.RedisError or OSError, and tells it the next time."""
        now = _counted()
        if not (fresh := now - self._told):
            return
        key = _key(_current())
        pipeline = redis_client().pipeline(transaction=False)
        for (label, event), number in fresh.items():
            pipeline.hincrby(key, f"{event} {label}", number)
        pipeline.expire(key, KEPT_S + BUCKET_S)
        pipeline.execute()
        self._told = now


def _counted() -> Counter[tuple[str, str]]:
    numbers: Counter[tuple[str, str]] = Counter()
    for label, events in snapshot().items():
        numbers.update({(label, event): number for event, number in events.items()})
    for (route, method, _, _), (*classes, seconds) in durations.snapshot().items():
        if route:
            numbers[f"{method} {route}", ANSWERS] += int(sum(classes))
            numbers[f"{method} {route}", MILLISECONDS] += int(seconds * 1_000)
    return numbers


def start() -> None:
    """Begin to record what this process counts."""
    threading.Thread(target=_record, name="operations history", daemon=True).start()


def _record() -> None:
    recorder = Recorder()
    while True:
        time.sleep(FLUSH_S)
        with contextlib.suppress(*FAILURES):
            recorder.flush()


_read: tuple[float, list[Bucket]] = (-FRESH_S, [])


def buckets() -> list[Bucket]:
    """Return the buckets of the last KEPT_S, oldest first, at most FRESH_S old; raises redis.RedisError or OSError."""
    global _read
    if time.monotonic() - _read[0] > FRESH_S:
        _read = (time.monotonic(), _read_buckets())
    return _read[1]


def _read_buckets() -> list[Bucket]:
    last = _current()
    times = range(last - KEPT_S + BUCKET_S, last + 1, BUCKET_S)
    pipeline = redis_client().pipeline(transaction=False)
    for began_at in times:
        pipeline.hgetall(_key(began_at))
    return [Bucket(began_at, _numbers(found)) for began_at, found in zip(times, pipeline.execute(), strict=True)]


def _numbers(found: dict[bytes, bytes]) -> dict[tuple[str, str], int]:
    numbers = {}
    for field, number in found.items():
        event, _, label = field.decode().partition(" ")
        numbers[label, event] = int(number)
    return numbers


def _current() -> int:
    return int(time.time()) // BUCKET_S * BUCKET_S


def _key(began_at: int) -> str:
    return f"{prefix()}:operations:{began_at}"
