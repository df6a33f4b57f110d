"""Section `clients`: many concurrent clients, a cold cache and few database connections; every request is answered."""

from collections.abc import Callable
from typing import Any, NamedTuple

from loadtest.bench import report
from loadtest.bench.environment import WEB_USER, Environment
from loadtest.bench.load_generator import Workload, run_load
from loadtest.bench.meters import database_meter
from loadtest.load.zipf import Zipf

WORKERS, THREADS = 2, 5
CONNECTIONS = WORKERS * THREADS
HEADER = ("variant", "req/s", "p50 ms", "p99 ms", "max ms", "SQL", "errors", "database connections")
ADDRESSES: dict[str, Callable[[int], str]] = {
    "one user, ORM + ModelSerializer": "/baseline/users/{}".format,
    "one user, cached, cold at first": "/api/v1/users/{}".format,
}


class Scale(NamedTuple):
    """The number of concurrent clients, and the seconds of load on each variant."""

    clients: int = 500
    seconds: float = 5


FULL, QUICK = Scale(), Scale(seconds=1)


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure latencies, errors and database connections under many clients, by the ORM and by a cold cache."""
    clients, workers = scale.clients, f"{WORKERS} workers of {THREADS} threads"
    report.print_heading(f"{clients} clients, {CONNECTIONS} database connections ({workers}), cold cache")
    found = {name: _measure_variant(env, address, scale) for name, address in ADDRESSES.items()}
    print(report.table(HEADER, [[name, *_cells(each)] for name, each in found.items()]))
    cached = found["one user, cached, cold at first"]
    return found, [
        report.exactly(f"{clients} clients, {CONNECTIONS} database connections, errors", cached["errors"], 0),
        report.at_most("database connections in use at most", cached["connections"], CONNECTIONS),
    ]


def _measure_variant(env: Environment, address: Callable[[int], str], scale: Scale) -> dict[str, Any]:
    paths = [address(pk) for pk in Zipf(range(1, env.users + 1), seed=2).draw(20_000)]
    meter = database_meter(env.sql)
    tokens = env.tokens
    # MariaDB refuses more connections than the workers should ever need; a refusal is counted as an error.
    env.sql(f"ALTER USER {WEB_USER}@127.0.0.1 WITH MAX_USER_CONNECTIONS {CONNECTIONS}")
    try:
        with env.web_server(workers=WORKERS, threads=THREADS) as web:
            env.redis.flushall()
            before = max_connections(env, reset=True)
            load = Workload(port=web.port, paths=paths, tokens=tokens, connections=scale.clients, seconds=scale.seconds)
            with meter.counted() as counts:
                outcome = run_load(load)
            connections = max_connections(env) - before
    finally:
        env.sql(f"ALTER USER {WEB_USER}@127.0.0.1 WITH MAX_USER_CONNECTIONS 0")
    return {
        "requests": outcome.requests,
        "per_second": outcome.per_second,
        "p50_ms": outcome.percentile_ms(50),
        "p99_ms": outcome.percentile_ms(99),
        "max_ms": outcome.percentile_ms(100),
        "sql": counts["questions"],
        "errors": sum(outcome.errors.values()),
        "errors_by_kind": outcome.errors,
        "connections": connections,
    }


def max_connections(env: Environment, *, reset: bool = False) -> int:
    """Return the highest number of simultaneous connections since the last reset, which counts the open ones."""
    if reset:
        env.sql("FLUSH STATUS")
    return int(env.sql("SHOW GLOBAL STATUS LIKE 'Max_used_connections'")[0][1])


def _cells(found: dict[str, Any]) -> list[str]:
    times = [f"{found[key]:,.0f}" for key in ("per_second", "p50_ms", "p99_ms", "max_ms")]
    return [*times, f"{found['sql'] / found['requests']:.2f}", str(found["errors"]), str(found["connections"])]
