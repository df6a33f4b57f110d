"""How fast warm_cache fills a cold cache, and what more workers bring."""

import os
import time
from typing import Any, NamedTuple

from loadtest.bench import report
from loadtest.bench.environment import Ground

WORKERS = (1, 2, 4)
POLL_S = 0.01
LIMIT_PER_S = 10_000
HEAD = ("--workers", "users/s", "users/s a worker", "seconds", "wall seconds, start of the interpreters included")


class Fill(NamedTuple):
    """`seconds` from the first entry to the last as Redis saw them; `wall_s` of the whole command."""

    users: int
    seconds: float
    wall_s: float

    @property
    def per_second(self) -> float:
        return self.users / self.seconds


def measure(ground: Ground, *, users: int) -> tuple[dict[str, Any], list[report.Target]]:
    report.section(f"warm_cache: {users:,} users, cold, {os.cpu_count()} cores shared with MariaDB and Redis")
    ground.seed(users)
    fills = {workers: _fill(ground, workers) for workers in WORKERS}
    print(report.table(HEAD, [_line(workers, fill) for workers, fill in fills.items()]))
    found = {str(workers): {**fill._asdict(), "per_second": fill.per_second} for workers, fill in fills.items()}
    return found, [report.at_least("warm_cache, users/s of one worker", fills[1].per_second, LIMIT_PER_S)]


def _fill(ground: Ground, workers: int) -> Fill:
    ground.redis.flushall()
    began = time.perf_counter()
    seen: list[tuple[float, int]] = []
    with ground.managed("warm_cache", "users.User", f"--workers={workers}", "--verbosity=0") as command:
        while command.poll() is None:
            if (keys := ground.redis.dbsize()) and (not seen or keys > seen[-1][1]):
                seen.append((time.perf_counter(), keys))
            time.sleep(POLL_S)
    if command.returncode:
        raise SystemExit(f"warm_cache --workers={workers} failed with status {command.returncode}.")
    (first_at, first), (last_at, last) = seen[0], seen[-1]
    return Fill(last - first, last_at - first_at, time.perf_counter() - began)


def _line(workers: int, fill: Fill) -> list[str]:
    rate = fill.per_second
    return [str(workers), f"{rate:,.0f}", f"{rate / workers:,.0f}", f"{fill.seconds:.1f}", f"{fill.wall_s:.1f}"]
