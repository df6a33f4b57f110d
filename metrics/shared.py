"""Numbers that all processes share, asked of Redis and the database when they are scraped, every AGE_S at most.

A server that hangs keeps one thread, and its numbers are absent until it answers.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import connection
from django.utils import timezone

from binlog import api as binlog
from caching import api as caching
from caching.operate import each_server
from jobs import api as jobs
from jobs.bulkhead import Bulkhead
from popups.eviction import evicts_all_keys, parse_info

AGE_S, DEADLINE_S = 5.0, 2.0
Found = dict[str, dict[tuple[str, ...], float]]
OF_REDIS = {
    "hotpath_redis_memory_bytes": "used_memory",
    "hotpath_redis_memory_limit_bytes": "maxmemory",
    "hotpath_redis_evicted_keys_total": "evicted_keys",
}
REFUSALS = ("OOM", "MISCONF", "NOREPLICAS")
"""The errors by which Redis refuses a write that it would otherwise carry out."""


def read() -> Found:
    """Return {family: {labels: number}} within DEADLINE_S; what is not known in time is left out."""
    begun = {name: _bulkhead.begin(name, call) for name, call in CALLS.items()}
    answers = {name: pending.answer(DEADLINE_S) for name, pending in begun.items()}
    found: Found = {"hotpath_up": {(name,): float(answers[name].error is None) for name in SERVERS}}
    for answer in answers.values():
        found |= answer.value or {}
    return found


def _database() -> Found:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {}


def _redis() -> Found:
    caching.ping()
    found: Found = {}
    for server, send in each_server().items():
        info = parse_info(send([("INFO",)])[0])
        for name, field in OF_REDIS.items():
            found.setdefault(name, {})[(server,)] = float(info[field])
        for reason in REFUSALS:  # told from 0 on: Prometheus sees no increase in a counter that appears
            refused = info.get(f"errorstat_{reason}", "count=0").removeprefix("count=")
            found.setdefault("hotpath_redis_refused_writes_total", {})[server, reason] = float(refused)
        found.setdefault("hotpath_redis_evicts_all_keys", {})[(server,)] = float(evicts_all_keys(info))
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
    if not now.gtids:  # it never was: nobody counts on it
        return {}
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
CALLS: dict[str, Callable[[], Found]] = {
    "database": _database, "redis": _redis, "jobs": _jobs, "pending": _pending, "binlog": _binlog,
}  # fmt: skip
_bulkhead = Bulkhead("metrics", len(CALLS), fresh_s=AGE_S)
