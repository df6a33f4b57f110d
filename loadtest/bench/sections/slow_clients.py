"""Section `slow-clients`: slow and endless clients of six kinds at once; memory of the worker, p99 of other clients.

The other clients send one request after the other on a few connections, so their latency shows what the slow ones cost.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from loadtest.bench import report
from loadtest.bench.environment import Environment
from loadtest.bench.load_generator import Outcome, Workload, run_load
from loadtest.bench.slow_clients import SlowLoad, slow_clients

SERVERS = ("gunicorn", "granian", "gthread")
FILE = "/static/admin/js/vendor/jquery/jquery.js"  # 280 KB
CONNECTIONS = 4
MAX_GROWTH, MAX_SLOWDOWN = 1.3, 2.0
HEADER = ("server", "MB before", "largest", "times", "p99 ms before", "beside", "times", "req/s", "errors")


class Scale(NamedTuple):
    """The number of slow clients, and for how many seconds they are there."""

    clients: int = 2_000
    seconds: float = 60


FULL, QUICK = Scale(), Scale(clients=300, seconds=6)


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure each server before and beside the slow clients."""
    report.print_heading(f"{scale.clients:,} slow and endless clients of six kinds, for {scale.seconds:g} s")
    found = {server: _measure_server(env, server, scale) for server in SERVERS}
    print(report.table(HEADER, [[server, *_cells(each)] for server, each in found.items()]))
    return found, [target for server, each in found.items() for target in _targets(server, each)]


def _measure_server(env: Environment, server: str, scale: Scale) -> dict[str, Any]:
    tokens = env.tokens
    with env.web_server(workers=1, threads=8, SERVER=server, LANE="on") as web:
        load = Workload(
            port=web.port, paths=[f"/api/v1/users/{number}" for number in range(1, 65)], tokens=tokens,
            connections=CONNECTIONS, seconds=scale.seconds / 4,
        )  # fmt: skip
        run_load(load)
        before, memory = run_load(load), _resident_mb(web.worker_pids[0])
        slow = SlowLoad(port=web.port, clients=scale.clients, seconds=scale.seconds + 10, path=FILE)
        with _largest_mb(web.worker_pids[0]) as largest, slow_clients(slow):
            beside = run_load(Workload(**{**load.__dict__, "seconds": scale.seconds}))
    return {
        "memory_mb": memory,
        "largest_mb": largest[0],
        "p99_before_ms": before.percentile_ms(99),
        "p99_ms": beside.percentile_ms(99),
        "per_second": beside.per_second,
        "errors": _errors(before) + _errors(beside),
    }


@contextmanager
def _largest_mb(pid: int) -> Iterator[list[float]]:
    """Keep the largest memory of a process while the block lasts in a list."""
    largest, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            largest[0] = max(largest[0], _resident_mb(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield largest
    finally:
        ended.set()
        watcher.join()


def _resident_mb(pid: int) -> float:
    """Return the resident memory of a process; infinity if it has ended, as a worker does that is killed."""
    try:
        return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        return float("inf")


def _errors(outcome: Outcome) -> int:
    return sum(outcome.errors.values())


def _cells(found: dict[str, Any]) -> list[str]:
    growth, slowdown = _times(found)
    memory = [f"{found['memory_mb']:.0f}", f"{found['largest_mb']:.0f}", f"{growth:.2f}"]
    latency = [f"{found['p99_before_ms']:.1f}", f"{found['p99_ms']:.1f}", f"{slowdown:.2f}"]
    return [*memory, *latency, f"{found['per_second']:,.0f}", str(found["errors"])]


def _times(found: dict[str, Any]) -> tuple[float, float]:
    return found["largest_mb"] / found["memory_mb"], found["p99_ms"] / found["p99_before_ms"]


def _targets(server: str, found: dict[str, Any]) -> list[report.Target]:
    growth, slowdown = _times(found)
    return [
        report.median_at_most(f"{server}: slow clients, memory of the worker, times before", [growth], MAX_GROWTH),
        report.median_at_most(f"{server}: slow clients, p99 of others, times before", [slowdown], MAX_SLOWDOWN),
        report.exactly(f"{server}: slow clients, errors of others", found["errors"], 0),
    ]
