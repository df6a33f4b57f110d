"""Numbers that all processes share, asked of Redis and the database when they are scraped, every AGE_S at most.

A server that hangs keeps one thread, and its numbers are absent until it answers.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime

from django.db import connection, connections
from django.utils import timezone

from binlog import api as binlog
from caching import api as caching
from caching.operate import each_server
from jobs import api as jobs

AGE_S, DEADLINE_S = 5.0, 2.0
Found = dict[str, dict[tuple[str, ...], float]]
OF_REDIS = {
    "hotpath_redis_memory_bytes": "used_memory",
    "hotpath_redis_memory_limit_bytes": "maxmemory",
    "hotpath_redis_evicted_keys_total": "evicted_keys",
}


class Question:
    """Something that is asked in a thread of its own, and whose answer is used for AGE_S."""

    def __init__(self, ask: Callable[[], Found]) -> None:
        self._ask = ask
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="metrics")
        self._asked_at = 0.0
        self._answer: Future[Found] | None = None
        self._lock = threading.Lock()

    def begin(self) -> "Future[Found]":
        """Return the answer to come, or the last one; while one is awaited, nothing more is asked."""
        with self._lock:
            if self._answer is None or (self._answer.done() and self._is_old(self._answer)):
                self._answer, self._asked_at = self._pool.submit(self._run), time.monotonic()
            return self._answer

    def _is_old(self, answer: "Future[Found]") -> bool:
        return time.monotonic() - self._asked_at >= AGE_S or answer.exception() is not None

    def _run(self) -> Found:
        try:
            return self._ask()
        finally:
            connections.close_all()


def read() -> Found:
    """Return {family: {labels: number}} within DEADLINE_S; what is not known in time is left out."""
    begun = {name: question.begin() for name, question in QUESTIONS.items()}
    wait(begun.values(), timeout=DEADLINE_S)
    answered = {name: each.result() for name, each in begun.items() if each.done() and each.exception() is None}
    found: Found = {"hotpath_up": {(name,): float(name in answered) for name in SERVERS}}
    for numbers in answered.values():
        found |= numbers
    return found


def _database() -> Found:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {}


def _redis() -> Found:
    caching.ping()
    found: Found = {}
    for server, send in each_server().items():
        info = dict(line.split(":", 1) for line in send([("INFO",)])[0].decode().splitlines() if ":" in line)
        for name, field in OF_REDIS.items():
            found.setdefault(name, {})[(server,)] = float(info[field])
    return found


def _jobs() -> Found:
    found: Found = {}
    for state in jobs.job_states():
        _put(found, state.name, "heartbeat_age_seconds", state.age_s)
        if state.state != "unknown":
            _put(found, state.name, "up", state.is_alive)
            _put(found, state.name, "failing", state.state == "failing")
            _put(found, state.name, "workers", state.workers)
    return found


def _pending() -> Found:
    """Ask how much work waits, also where no worker is there to tell."""
    found: Found = {}
    for job in jobs.known():
        if job.waiting is not None:
            number, since = job.waiting()
            _put(found, job.name, "pending", number)
            _put(found, job.name, "pending_age_seconds", _age_s(number, since))
    return found


def _binlog() -> Found:
    now = binlog.status()
    found = {"following": float(now.is_following), "lag_seconds": now.lag_s, "heard_age_seconds": now.heard_age_s}
    return {f"hotpath_binlog_{name}": {(): number} for name, number in found.items() if number is not None}


def _age_s(number: int, since: datetime | None) -> float | None:
    if not number:
        return 0.0
    return None if since is None else (timezone.now() - since).total_seconds()


def _put(found: Found, job: str, name: str, number: float | None) -> None:
    if number is not None:
        found.setdefault(f"hotpath_job_{name}", {})[(job,)] = float(number)


SERVERS = ("database", "redis")
QUESTIONS = {
    "database": Question(_database), "redis": Question(_redis), "jobs": Question(_jobs), "pending": Question(_pending),
    "binlog": Question(_binlog),
}  # fmt: skip
