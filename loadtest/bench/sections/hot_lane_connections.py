"""Many connections to one worker of the hot lane: a thousand that stay, and a new one for each request.

With `wrk`, as connecting costs Python's load generator more than the server. Worker and wrk have a core each, and a new
connection costs the one about as much as the other, most of it in the kernel: whichever takes longer sets the pace.
"""

import os
import re
import resource
import subprocess
from collections import defaultdict
from contextlib import ExitStack
from statistics import median
from typing import Any

from devtools import servers
from loadtest.bench import report
from loadtest.bench.environment import Ground, Web
from loadtest.bench.meters import TICKS_PER_S, cpu_meter

CLIENTS, FRESH_CLIENTS = 1_000, 64  # of 200, a tenth fewer connect: they come and wait in bursts
ROUNDS, SECONDS = 5, 2
SPREAD = 3  # p99 / p50 at most
FRESH_PER_S = {"gunicorn": 7_000, "granian": 18_000}
KEPT, FRESH = "keep-alive", "new connection per request"
HEAD = ("server, lane on", "clients", "req/s", "p50 ms", "p99 ms", "CPU µs", "wrk's µs", "errors")
NO_WRK = "Connections are not measured: install Debian's wrk."
_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1_000.0}

Found = dict[tuple[str, str], list[dict[str, float]]]
"""Of server and kind, what wrk said in each round, and the CPU that a request took of the worker and of wrk."""


def measure(ground: Ground, *, path: str) -> tuple[dict[str, Any], list[report.Target]]:
    wrk = servers.program("wrk")
    if wrk is None:
        print(f"\n{NO_WRK}")
        return {}, []
    found: Found = defaultdict(list)
    with ExitStack() as stack:
        webs = {
            server: stack.enter_context(ground.web(workers=1, threads=8, SERVER=server, LANE="on"))
            for server in FRESH_PER_S
        }
        token = ground.tokens[0]
        for web in webs.values():
            web.keep_to_one_core()
            _run(wrk, web, path, token, 10, 1)
        for _ in range(ROUNDS):
            for server, web in webs.items():
                found[server, KEPT].append(_metered(wrk, web, path, token, CLIENTS))
                found[server, FRESH].append(_metered(wrk, web, path, token, FRESH_CLIENTS, "Connection: close"))
    lines = [
        [f"{server}, {kind}", CLIENTS if kind == KEPT else FRESH_CLIENTS, *_cells(rounds)]
        for (server, kind), rounds in found.items()
    ]
    print("", report.table(HEAD, lines), sep="\n")
    figures = {f"{server}, {kind}": rounds for (server, kind), rounds in found.items()}
    return figures, [target for server in FRESH_PER_S for target in _targets(server, found)]


def _metered(wrk: str, web: Web, path: str, token: str, clients: int, *headers: str) -> dict[str, float]:
    before_s = _own_cpu_s()
    with cpu_meter(web.workers).counted() as cpu:
        said = _run(wrk, web, path, token, clients, SECONDS, *headers)
    requests = said["per_second"] * SECONDS
    worker_s, wrk_s = cpu["ticks"] / TICKS_PER_S, _own_cpu_s() - before_s
    return {**said, "worker_us": worker_s / requests * 1e6, "wrk_us": wrk_s / requests * 1e6}


def _own_cpu_s() -> float:
    """Of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(wrk: str, web: Web, path: str, token: str, clients: int, seconds: int, *headers: str) -> dict[str, float]:
    named = (f"Authorization: Bearer {token}", "X-Forwarded-Proto: https", *headers)
    options = [part for header in named for part in ("-H", header)]
    command = [wrk, "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout=10s", "--latency", *options]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{web.port}{path}"], capture_output=True, text=True, check=True,
        timeout=seconds + 60, preexec_fn=_beside,
    )  # fmt: skip
    return read(done.stdout)


def _beside() -> None:
    """On another core than the worker, which has the last."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(cores[:-1] or cores))


def read(text: str) -> dict[str, float]:
    """What wrk printed: requests per second, p50 and p99 in ms, errors of any kind."""
    per_s = re.search(r"Requests/sec:\s+([\d.]+)", text)
    refused = re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", text)
    if per_s is None:
        raise SystemExit(f"wrk printed something unexpected: {text}")
    percentiles = {f"p{percent}_ms": _percentile_ms(text, percent) for percent in (50, 99)}
    return {"per_second": float(per_s[1]), **percentiles, "errors": sum(map(int, refused))}


def _percentile_ms(text: str, percent: int) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", text)
    return float(found[1]) * _UNITS_MS[found[2]] if found else float("nan")


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
        report.median_at_most(f"{server}: {CLIENTS:,} keep-alive clients, p99 / p50", spreads, SPREAD),
        report.median_at_least(f"{server}: new connections a second", fresh_per_s, FRESH_PER_S[server]),
        report.exactly(f"{server}: connections, errors", _errors(kept) + _errors(fresh), 0),
    ]
