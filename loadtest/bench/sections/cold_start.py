"""Section `cold-start`: FLUSHALL under full load; how long hits take to return, and what the database has to bear."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice, pairwise
from typing import Any, NamedTuple

from loadtest.bench import peers, report
from loadtest.bench.environment import WEB_USER, Environment
from loadtest.bench.meters import TICKS_PER_S, cpu_meter
from loadtest.bench.paced_load import PacedLoad, PacedWorkload
from loadtest.bench.sections.clients import max_connections
from loadtest.bench.seed_sessions import ITEMS, POSTS, SessionTables, drop, seed
from loadtest.bench.session_players import Sessions
from loadtest.bench.web_server import WebServer
from loadtest.load.accounts import API
from loadtest.load.session_mix import Request, Session

WORKERS, THREADS, CONNECTIONS = 2, 8, 1_000
CORES = os.cpu_count() or 1
OTHER_THREADS = 2  # of a worker: they look for pending invalidations, and for new configs of popups
DATABASE_CONNECTIONS = WORKERS * (THREADS + OTHER_THREADS)
PATHS = 60_000
START_S = 8  # until the process of the load has its connections
WARM, LIMIT_S = 0.95, 20
SHOWN_S = (-2, -1, 0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30)
HEADER = ("second after", "answers", "p50 ms", "p99 ms", "SQL", "hits %")
LEGEND = """\
SQL: queries that MariaDB answered in that second. Hits: lookups of keys that found an entry, by Redis' own counters; an
entry that is loaded counts as three misses, as it is looked up again before it is leased and loaded."""


class Scale(NamedTuple):
    """Requests a second, of as many users in turn; seconds of this before FLUSHALL and after; do all follow others?"""

    per_second: int = 5_000
    before_s: int = 20
    after_s: int = 40
    everybody: bool = True


FULL, QUICK = Scale(), Scale(per_second=500, before_s=4, after_s=8, everybody=False)


class Sample(NamedTuple):
    """What MariaDB and Redis have counted until a moment."""

    sql: int
    hits: int
    misses: int


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure reads of sessions at a constant rate, and delete all that Redis has in the middle."""
    report.print_heading(
        f"FLUSHALL under {scale.per_second:,} requests/s: {WORKERS} workers of {THREADS} threads, {env.users:,} users"
    )
    tables = SessionTables("cold_rows", env.users, POSTS)
    seed(env, tables, everybody=scale.everybody)
    env.sql(f"ALTER USER {WEB_USER}@127.0.0.1 WITH MAX_USER_CONNECTIONS {DATABASE_CONNECTIONS}")
    try:
        with env.web_server(workers=WORKERS, threads=THREADS, LANE="on", **tables.variables(env, 1)) as web:
            found = _flush_under_load(env, web, tables, scale)
    finally:
        env.sql(f"ALTER USER {WEB_USER}@127.0.0.1 WITH MAX_USER_CONNECTIONS 0")
        drop(env, tables)
    print(report.table(HEADER, list(_lines(found))), LEGEND, sep="\n\n")
    print(f"\nCPU of {CORES} cores:", ", ".join(f"{name} {part:.0%}" for name, part in found["cpu"].items()))
    return found, _targets(found, scale)


def reads_of_sessions(tables: SessionTables, count: int) -> list[str]:
    """Return the paths of reads as sessions make them, with ids by Zipf's law."""
    sources = Sessions(
        port=0, tokens={}, users=tables.users, owners=tables.owners, first_post=tables.rows - POSTS + 1,
        last_post=tables.rows, items=ITEMS,
    ).sources()  # fmt: skip
    return [f"{API}{request.path}" for request in islice(_reads(Session(0, sources, random.Random(7))), count)]


def _reads(session: Session) -> Iterator[Request]:
    while True:
        yield from (request for request in session.play() if request.method == "GET")


def _flush_under_load(env: Environment, web: WebServer, tables: SessionTables, scale: Scale) -> dict[str, Any]:
    callers = range(1, env.users + 1, max(1, env.users // scale.per_second))
    tokens = list(peers.sign_tokens(env, tables, callers).values())
    begins_at, seconds = time.time() + START_S, scale.before_s + scale.after_s
    load = PacedLoad(PacedWorkload(
        port=web.port, paths=reads_of_sessions(tables, PATHS), tokens=tokens, connections=CONNECTIONS,
        seconds=seconds, per_second=scale.per_second, begins_at=begins_at,
    ))  # fmt: skip
    pids = {"web": web.worker_pids, "redis": [env.redis_pid], "database": [env.mariadb_pid], "load": [load.pid]}
    max_connections(env, reset=True)
    with ExitStack() as stack:
        samples = []
        for second in range(seconds + 1):
            time.sleep(max(0.0, begins_at + second - time.time()))
            samples.append(_sample(env))
            if second == scale.before_s:
                env.redis.flushall()
                ticks = {name: stack.enter_context(cpu_meter(of).counted()) for name, of in pids.items()}
    outcome = load.outcome()
    return {
        "offered_per_s": scale.per_second,
        "answered_per_s": sum(map(len, outcome.by_second[:seconds])) / seconds,
        "late": outcome.late,
        "errors": outcome.errors,
        "connections": max_connections(env) - 1,  # the other one is the benchmark's own
        "cpu": {name: each["ticks"] / TICKS_PER_S / scale.after_s / CORES for name, each in ticks.items()},
        "seconds": {
            number - scale.before_s: {
                "answers": len(latencies), "p50_ms": _percentile(latencies, 50), "p99_ms": _percentile(latencies, 99),
                **_change(*pair),
            }
            for number, (latencies, pair) in enumerate(zip(outcome.by_second, pairwise(samples), strict=False))
        },
    }  # fmt: skip


def _sample(env: Environment) -> Sample:
    ((_, selects),) = env.sql("SHOW GLOBAL STATUS LIKE 'Com_select'")
    info = env.redis.info("stats")
    return Sample(int(selects), info["keyspace_hits"], info["keyspace_misses"])


def _change(before: Sample, after: Sample) -> dict[str, float]:
    hits, misses = after.hits - before.hits, after.misses - before.misses
    return {"sql": after.sql - before.sql, "hits": hits / ((hits + misses) or 1)}


def _percentile(latencies: list[float], percent: int) -> float:
    return sorted(latencies)[len(latencies) * percent // 100] if latencies else float("nan")


def _lines(found: dict[str, Any]) -> Iterator[list[Any]]:
    for second in SHOWN_S:
        if each := found["seconds"].get(second):
            times = [f"{each[name]:,.0f}" for name in ("answers", "p50_ms", "p99_ms", "sql")]
            yield [f"{second:+}", *times, f"{100 * each['hits']:.1f}"]


def seconds_until_warm(found: dict[str, Any]) -> int:
    """Return how many seconds after FLUSHALL passed before the last one with too few hits had ended."""
    return 1 + max(
        (second for second, each in found["seconds"].items() if second >= 0 and each["hits"] < WARM), default=-1
    )


def _targets(found: dict[str, Any], scale: Scale) -> list[report.Target]:
    after = [each for second, each in found["seconds"].items() if second >= 0]
    found["peak_sql"], found["warm_s"] = max(each["sql"] for each in after), seconds_until_warm(found)
    refused = sum(count for status, count in found["errors"].items() if not status.startswith("4"))
    name = f"FLUSHALL under {scale.per_second:,} requests/s"
    return [
        report.at_least(f"{name}: answers/s", found["answered_per_s"], 0.95 * scale.per_second),
        report.exactly(f"{name}: statuses 5xx, and requests without an answer", refused, 0),
        report.at_most(f"{name}: database connections", found["connections"], DATABASE_CONNECTIONS),
        report.at_most(f"{name}: seconds until {WARM:.0%} are hits", found["warm_s"], LIMIT_S),
        report.at_most(f"{name}: SQL/s at its peak", found["peak_sql"], scale.per_second),
    ]
