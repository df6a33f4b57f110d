"""Many clients at once, a cold cache, few database connections: everybody is answered."""

from collections.abc import Callable
from typing import Any

from loadtest.bench import load_generator as client
from loadtest.bench import report
from loadtest.bench.environment import WEB_USER, Ground
from loadtest.bench.meters import database_meter
from loadtest.load.zipf import Zipf

WORKERS, THREADS = 2, 5
CONNECTIONS = WORKERS * THREADS
HEAD = ("variant", "req/s", "p50 ms", "p99 ms", "max ms", "SQL", "errors", "database connections")
ADDRESSES: dict[str, Callable[[int], str]] = {
    "one user, ORM + ModelSerializer": "/baseline/users/{}".format,
    "one user, cached, cold at first": "/api/v1/users/{}".format,
}


def measure(ground: Ground, *, users: int, clients: int, seconds: float) -> tuple[dict[str, Any], list[report.Target]]:
    of_which = f"{WORKERS} workers of {THREADS} threads"
    report.section(f"{clients} clients, {CONNECTIONS} database connections ({of_which}), cold cache")
    found = {name: _variant(ground, address, users, clients, seconds) for name, address in ADDRESSES.items()}
    print(report.table(HEAD, [[name, *_cells(each)] for name, each in found.items()]))
    cached = found["one user, cached, cold at first"]
    return found, [
        report.exactly(f"{clients} clients, {CONNECTIONS} database connections, errors", cached["errors"], 0),
        report.at_most("database connections in use at most", cached["connections"], CONNECTIONS),
    ]


def _variant(ground: Ground, address: Callable[[int], str], users: int, clients: int, seconds: float) -> dict[str, Any]:
    paths = [address(pk) for pk in Zipf(range(1, users + 1), seed=2).draw(20_000)]
    meter = database_meter(ground.sql)
    tokens = ground.tokens
    # More than the workers should ever need would be refused, and would show as errors.
    ground.sql(f"ALTER USER {WEB_USER}@127.0.0.1 WITH MAX_USER_CONNECTIONS {CONNECTIONS}")
    try:
        with ground.web(workers=WORKERS, threads=THREADS) as web:
            ground.redis.flushall()
            before = most_connections(ground, reset=True)
            with meter.counted() as counts:
                outcome = client.run(
                    client.Order(port=web.port, paths=paths, tokens=tokens, connections=clients, seconds=seconds)
                )
            connections = most_connections(ground) - before
    finally:
        ground.sql(f"ALTER USER {WEB_USER}@127.0.0.1 WITH MAX_USER_CONNECTIONS 0")
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


def most_connections(ground: Ground, *, reset: bool = False) -> int:
    """The most connections the server had at once; since the last reset, after which it counts from those open now."""
    if reset:
        ground.sql("FLUSH STATUS")
    return int(ground.sql("SHOW GLOBAL STATUS LIKE 'Max_used_connections'")[0][1])


def _cells(found: dict[str, Any]) -> list[str]:
    times = [f"{found[key]:,.0f}" for key in ("per_second", "p50_ms", "p99_ms", "max_ms")]
    return [*times, f"{found['sql'] / found['requests']:.2f}", str(found["errors"]), str(found["connections"])]
