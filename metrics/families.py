"""The catalogue: every family of metrics, and how the numbers that a process counts by itself are read."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import popups.lost_events
import popups.recorded_events
import users.login_throttle
from api import throttles
from caching import api as caching
from counters.api import KEYS, BlockSource
from metrics import sampling
from serving import api as serving

Kind = Literal["counter", "gauge", "histogram"]
Numbers = Mapping[Any, Any]
"""By the values of the labels, in their order: a number, or of a histogram what caching.api.Durations has."""


class Family(NamedTuple):
    """A family of metrics. `read` returns the numbers of this process; None where all processes share them."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    read: Callable[[], Numbers] | None = None


def _cache_events(event: str) -> Callable[[], Numbers]:
    def read() -> Numbers:
        events = caching.cache_events()
        return {(model, kind): number for (model, kind, each), number in events.items() if each == event}

    return read


def _of_cache(name: str, event: str, help: str) -> Family:  # noqa: A002
    return Family(f"hotpath_cache_{name}_total", "counter", ("model", "kind"), help, _cache_events(event))


def _held_keys() -> Numbers:
    """Return the held keys by the labels that reads have; keys of counters say what they count instead."""
    numbers: dict[tuple[str, str], int] = {}
    for (model, kind), number in caching.held_keys().items():
        labels = (BlockSource.label, "block_source") if model == KEYS else (model, kind)
        numbers[labels] = numbers.get(labels, 0) + number
    return numbers


def _closed_breakers() -> Numbers:
    return {(server,): int(is_closed) for server, is_closed in caching.breaker_states().items()}


def _of_threads(name: str, attribute: str, help: str) -> Family:  # noqa: A002
    return Family(
        f"hotpath_{name}", "gauge", (), help, lambda: {(): sum(getattr(pool, attribute) for pool in serving.pools)}
    )


def _by_one(name: str, label: str, help: str, counts: caching.Counts[str]) -> Family:  # noqa: A002
    return Family(
        f"hotpath_{name}_total", "counter", (label,), help,
        lambda: {(key,): number for key, number in counts.snapshot().items()},
    )  # fmt: skip


PROCESS_FAMILIES = (
    _of_cache("hits", "hits", "Entries that answered, also by saying that there is no such row."),
    _of_cache("misses", "misses", "Entries that were loaded from the database to be filled."),
    _of_cache("waits", "waits", "Waits for the load of another reader."),
    _of_cache("refused_fills", "refused", "Values not filled: a writer came in between, or the lease was evicted."),
    _of_cache("bypasses", "bypasses", "Values read past the cache: held, own writes, breaker open, cache off."),
    Family("hotpath_cache_held_keys_total", "counter", ("model", "kind"), "Keys that writers held.", _held_keys),
    Family(
        "hotpath_redis_round_trip_seconds", "histogram", ("server", "caller"),
        "Time from sending commands until their last reply, by threads and by event loops.",
        caching.round_trips.snapshot,
    ),
    Family(
        "hotpath_breaker_closed", "gauge", ("server",), "Processes that trust the entries of a Redis server.",
        _closed_breakers,
    ),
    Family("hotpath_processes", "gauge", (), "Living processes whose numbers are summed here.", lambda: {(): 1}),
    _of_threads("threads", "size", "Threads for requests, each with one database connection at most."),
    _of_threads("threads_busy", "busy", "Threads at work."),
    _of_threads("thread_queue_length", "waiting", "Calls that wait for a thread."),
    Family(
        "hotpath_thread_wait_seconds", "histogram", (), "Time that calls waited for a thread.", serving.waits.snapshot
    ),
    Family(
        "hotpath_http_request_seconds", "histogram", ("route", "method", "status", "way"),
        "Time to answer a request, by the hot lane or in Django; probes and scrapes are not counted.",
        serving.durations.snapshot,
    ),
    _by_one("throttled", "scope", "Requests over a limit, by the limit.", throttles.throttled),
    _by_one("failed_logins", "outcome", "Log-ins that were refused or throttled.", users.login_throttle.failed),
    _by_one("popup_events", "type", "Popups shown, clicked and dismissed.", popups.recorded_events.recorded),
    _by_one("sampled_entries", "kind", "Entries that the sampling check has compared.", sampling.checked),
    _by_one("drifted_entries", "kind", "Entries and counters that it found to differ.", sampling.differing),
    _by_one("popup_events_lost", "reason", "Popups and events that were lost.", popups.lost_events.lost),
)  # fmt: skip
SHARED_FAMILIES = (
    Family("hotpath_up", "gauge", ("server",), "1 if the database or Redis answers in time, else 0."),
    Family("hotpath_job_up", "gauge", ("job_name",), "1 if a worker runs the job and its step does not hang, else 0."),
    Family("hotpath_job_failing", "gauge", ("job_name",), "1 if the last step of the job failed, else 0."),
    Family("hotpath_job_workers", "gauge", ("job_name",), "Living workers that run the job."),
    Family("hotpath_job_heartbeat_age_seconds", "gauge", ("job_name",), "Age of the newest heartbeat of the job."),
    Family("hotpath_job_pending", "gauge", ("job_name",), "Rows or events that wait for the job, 100,000 at most."),
    Family("hotpath_job_pending_age_seconds", "gauge", ("job_name",), "Age of the oldest that waits, if known."),
    Family("hotpath_binlog_following", "gauge", (), "1 if the binary log is followed, 0 if it no longer is."),
    Family("hotpath_binlog_lag_seconds", "gauge", (), "Age of what is being followed; 0 at the end of the log."),
    Family("hotpath_binlog_heard_age_seconds", "gauge", (), "Time since the follower has last heard of the server."),
    Family("hotpath_redis_memory_bytes", "gauge", ("server",), "Memory that Redis uses."),
    Family("hotpath_redis_memory_limit_bytes", "gauge", ("server",), "The setting maxmemory of Redis; 0 for none."),
    Family("hotpath_redis_evicted_keys_total", "counter", ("server",), "Keys that Redis has evicted since it started."),
    Family(
        "hotpath_redis_refused_writes_total",
        "counter",
        ("server", "reason"),
        "Writes that Redis refused: `OOM` (memory), `MISCONF` (disk), `NOREPLICAS`.",
    ),
    Family("hotpath_redis_evicts_all_keys", "gauge", ("server",), "1 where maxmemory-policy lets popups rest."),
)
FAMILIES = (*PROCESS_FAMILIES, *SHARED_FAMILIES)
