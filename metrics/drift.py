"""What the sampling check has compared and found since yesterday, kept in Redis, so that any process can tell it.

There is a hash for each day, and a list of examples; both expire. A Redis that loses its data loses them; the log and
the counters of /metrics have every drift, too.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from caching.api import redis_client
from caching.extend import prefix

DAY_S = 86_400
EXAMPLES = 20
COMPARED, DIFFERING, LAST = "compared", "differing", "last"


class Example(NamedTuple):
    """An entry that has drifted, and when that was found, in seconds since 1970."""

    kind: str
    key: str
    found_at: float


class Findings(NamedTuple):
    """Numbers of entries by kind since `since`, when the last one was compared, and the newest examples first."""

    since: float
    compared: Mapping[str, int]
    differing: Mapping[str, int]
    last_at: float | None
    examples: list[Example]


def add(compared: Mapping[str, int], drifted: Iterable[tuple[str, str]]) -> None:
    """Add entries that were compared, by kind, and (kind, key) of those that have drifted, in one round trip.

    Raises redis.RedisError or OSError.
    """
    now, drifted = time.time(), list(drifted)
    numbers, examples = _keys(now)
    pipeline = redis_client().pipeline(transaction=False)
    pipeline.hset(numbers, LAST, str(now))
    for kind, number in compared.items():
        pipeline.hincrby(numbers, f"{COMPARED} {kind}", number)
    for kind, key in drifted:
        pipeline.hincrby(numbers, f"{DIFFERING} {kind}", 1)
        pipeline.lpush(examples, json.dumps([kind, key, now]))
    pipeline.ltrim(examples, 0, EXAMPLES - 1)
    for key in (numbers, examples):
        pipeline.expire(key, 2 * DAY_S)
    pipeline.execute()


def read() -> Findings:
    """Return what was found yesterday and today (UTC); raises redis.RedisError or OSError."""
    now = time.time()
    pipeline = redis_client().pipeline(transaction=False)
    for moment in (now, now - DAY_S):
        numbers, examples = _keys(moment)
        pipeline.hgetall(numbers)
        pipeline.lrange(examples, 0, -1)
    today, new, yesterday, old = pipeline.execute()
    totals: dict[str, Counter[str]] = {COMPARED: Counter(), DIFFERING: Counter()}
    for field, number in [*today.items(), *yesterday.items()]:
        name, _, kind = field.decode().partition(" ")
        if name in totals:
            totals[name][kind] += int(number)
    last = today.get(LAST.encode()) or yesterday.get(LAST.encode())
    return Findings(
        (now // DAY_S - 1) * DAY_S, totals[COMPARED], totals[DIFFERING], float(last) if last else None,
        [Example(*json.loads(each)) for each in (*new, *old)[:EXAMPLES]],
    )  # fmt: skip


def _keys(moment: float) -> tuple[str, str]:
    begin = f"{prefix()}:drift:{int(moment // DAY_S)}"
    return begin, f"{begin}:examples"
