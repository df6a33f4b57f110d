"""Section `warm-up`: how fast manage.py warm_cache fills a cold cache, with 1, 2 and 4 workers."""

import os
import time
from typing import NamedTuple

from loadtest.bench import report
from loadtest.bench.environment import Environment

FULL, QUICK = 100_000, 20_000  # users
WORKERS = (1, 2, 4)
POLL_S = 0.01
MIN_PER_S = 10_000
HEADER = ("--workers", "users/s", "users/s a worker", "seconds", "wall seconds, start of the interpreters included")


class Fill(NamedTuple):
    """A run of the command: `seconds` from the first entry in Redis to the last, `wall_s` of the whole process."""

    users: int
    seconds: float
    wall_s: float

    @property
    def per_second(self) -> float:
        return self.users / self.seconds


def measure(env: Environment, users: int) -> report.SectionResult:
    """Measure the users per second that warm_cache fills into an empty cache, by number of workers."""
    report.print_heading(f"warm_cache: {users:,} users, cold, {os.cpu_count()} cores shared with MariaDB and Redis")
    env.seed_users(users)
    fills = {workers: _fill(env, workers) for workers in WORKERS}
    print(report.table(HEADER, [_line(workers, fill) for workers, fill in fills.items()]))
    found = {str(workers): {**fill._asdict(), "per_second": fill.per_second} for workers, fill in fills.items()}
    return found, [report.at_least("warm_cache, users/s of one worker", fills[1].per_second, MIN_PER_S)]


def _fill(env: Environment, workers: int) -> Fill:
    env.redis.flushall()
    began = time.perf_counter()
    samples: list[tuple[float, int]] = []  # (time, entries in Redis)
    with env.start_command("warm_cache", "users.User", f"--workers={workers}", "--verbosity=0") as command:
        while command.poll() is None:
            if (keys := env.redis.dbsize()) and (not samples or keys > samples[-1][1]):
                samples.append((time.perf_counter(), keys))
            time.sleep(POLL_S)
    if command.returncode:
        raise SystemExit(f"warm_cache --workers={workers} failed with status {command.returncode}.")
    (first_at, first), (last_at, last) = samples[0], samples[-1]
    return Fill(last - first, last_at - first_at, time.perf_counter() - began)


def _line(workers: int, fill: Fill) -> list[str]:
    rate = fill.per_second
    return [str(workers), f"{rate:,.0f}", f"{rate / workers:,.0f}", f"{fill.seconds:.1f}", f"{fill.wall_s:.1f}"]
