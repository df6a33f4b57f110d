"""Part of the section `hot-lane`: a thousand keep-alive connections to one worker, and a new connection per request.

The load comes from `wrk`, because connecting costs a load generator in Python more than the server. Worker and
wrk have a core each. A new connection costs both about the same, mostly in the kernel; the slower one limits the rate.
"""

import os
from collections import defaultdict
from contextlib import ExitStack
from statistics import median

from devtools import servers
from loadtest.bench import report
from loadtest.bench.environment import Environment
from loadtest.bench.meters import TICKS_PER_S, cpu_meter
from loadtest.bench.web_server import WebServer
from loadtest.bench.wrk import run_wrk

KEPT_CLIENTS, FRESH_CLIENTS = 1_000, 64  # 200 fresh clients connect in bursts, a tenth less often per second
ROUNDS, SECONDS = 5, 2
MAX_SPREAD = 3  # p99 / p50
MIN_FRESH_PER_S = {"gunicorn": 7_000, "granian": 18_000}
KEPT, FRESH = "keep-alive", "new connection per request"
HEADER = ("server, lane on", "clients", "req/s", "p50 ms", "p99 ms", "CPU µs", "wrk's µs", "errors")
NO_WRK = "Connections are not measured: install Debian's wrk."

Found = dict[tuple[str, str], list[dict[str, float]]]
"""By server and kind of connection, for each round: wrk's figures, and the CPU per request of the worker and of wrk."""


def measure(env: Environment, *, path: str) -> report.SectionResult:
    """Measure GETs of a path; without the program wrk, print a note and return nothing."""
    wrk = servers.program("wrk")
    if wrk is None:
        print(f"\n{NO_WRK}")
        return {}, []
    found: Found = defaultdict(list)
    with ExitStack() as stack:
        webs = {
            server: stack.enter_context(env.web_server(workers=1, threads=8, SERVER=server, LANE="on"))
            for server in MIN_FRESH_PER_S
        }
        token = env.tokens[0]
        for web in webs.values():
            web.pin_workers_to_cores()
            _run(wrk, web, path, token, 10, 1)
        for _ in range(ROUNDS):
            for server, web in webs.items():
                found[server, KEPT].append(_measure_round(wrk, web, path, token, KEPT_CLIENTS))
                found[server, FRESH].append(_measure_round(wrk, web, path, token, FRESH_CLIENTS, "Connection: close"))
    lines = [
        [f"{server}, {kind}", KEPT_CLIENTS if kind == KEPT else FRESH_CLIENTS, *_cells(rounds)]
        for (server, kind), rounds in found.items()
    ]
    print("", report.table(HEADER, lines), sep="\n")
    figures = {f"{server}, {kind}": rounds for (server, kind), rounds in found.items()}
    return figures, [target for server in MIN_FRESH_PER_S for target in _targets(server, found)]


def _measure_round(wrk: str, web: WebServer, path: str, token: str, clients: int, *headers: str) -> dict[str, float]:
    with cpu_meter(web.worker_pids).counted() as cpu:
        figures = _run(wrk, web, path, token, clients, SECONDS, *headers)
    requests = figures["per_second"] * SECONDS or float("nan")  # on a machine too busy to answer at all
    worker_s, wrk_s = cpu["ticks"] / TICKS_PER_S, figures.pop("wrk_s")
    return {**figures, "worker_us": worker_s / requests * 1e6, "wrk_us": wrk_s / requests * 1e6}


def _run(
    wrk: str, web: WebServer, path: str, token: str, clients: int, seconds: int, *headers: str
) -> dict[str, float]:
    all_headers = (f"Authorization: Bearer {token}", "X-Forwarded-Proto: https", *headers)
    options = [part for header in all_headers for part in ("-H", header)]
    command = [wrk, "-t1", f"-c{clients}", *options, f"http://127.0.0.1:{web.port}{path}"]
    return run_wrk(command, seconds, prepare=_avoid_last_core)


def _avoid_last_core() -> None:
    """Keep this process off the last core, which the worker is pinned to."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(cores[:-1] or cores))


def _cells(rounds: list[dict[str, float]]) -> list[str]:
    names = ("per_second", "p50_ms", "p99_ms", "worker_us", "wrk_us")
    per_s, p50_ms, p99_ms, worker_us, wrk_us = (median(each[name] for each in rounds) for name in names)
    times = [f"{p50_ms:.1f}", f"{p99_ms:.1f}", f"{worker_us:.0f}", f"{wrk_us:.0f}"]
    return [f"{per_s:,.0f}", *times, f"{_errors(rounds):.0f}"]


def _errors(rounds: list[dict[str, float]]) -> float:
    return sum(each["errors"] for each in rounds)


def _targets(server: str, found: Found) -> list[report.Target]:
    kept, fresh = found[server, KEPT], found[server, FRESH]
    spreads = [each["p99_ms"] / each["p50_ms"] for each in kept]
    fresh_per_s = [each["per_second"] for each in fresh]
    return [
        report.median_at_most(f"{server}: {KEPT_CLIENTS:,} keep-alive clients, p99 / p50", spreads, MAX_SPREAD),
        report.median_at_least(f"{server}: new connections a second", fresh_per_s, MIN_FRESH_PER_S[server]),
        report.exactly(f"{server}: connections, errors", _errors(kept) + _errors(fresh), 0),
    ]
