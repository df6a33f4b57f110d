"""Many connections to one worker of the hot lane: a thousand that stay, and a new one for each request.

With `wrk`, as connecting costs Python's load generator more than the server; each has a core of its own.
"""

import os
import re
import subprocess
from typing import Any

from loadtest import report
from loadtest.ground import Ground, Web
from tests import servers

CLIENTS, FRESH_CLIENTS = 1_000, 200
SECONDS = 5
SPREAD = 3  # p99 / p50 at most
FRESH_PER_S = {"gunicorn": 7_000, "granian": 18_000}
HEAD = ("server, lane on", "clients", "req/s", "p50 ms", "p99 ms", "errors")
NO_WRK = "Connections are not measured: install Debian's wrk."
_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1_000.0}


def measure(ground: Ground, *, path: str) -> tuple[dict[str, Any], list[report.Target]]:
    wrk = servers.program("wrk")
    if wrk is None:
        print(f"\n{NO_WRK}")
        return {}, []
    found = {}
    for server in FRESH_PER_S:
        with ground.web(workers=1, threads=8, SERVER=server, LANE="on") as web:
            web.keep_to_one_core()
            token = ground.tokens[0]
            _run(wrk, web, path, token, 10, 1)
            found[server] = {
                "keep-alive": _run(wrk, web, path, token, CLIENTS, SECONDS),
                "new connection per request": _run(wrk, web, path, token, FRESH_CLIENTS, SECONDS, "Connection: close"),
            }
    lines = [
        [f"{server}, {kind}", CLIENTS if kind == "keep-alive" else FRESH_CLIENTS, *_cells(each)]
        for server, kinds in found.items()
        for kind, each in kinds.items()
    ]
    print("", report.table(HEAD, lines), sep="\n")
    return found, [target for server, kinds in found.items() for target in _targets(server, kinds)]


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


def _cells(each: dict[str, float]) -> list[str]:
    return [f"{each['per_second']:,.0f}", f"{each['p50_ms']:.1f}", f"{each['p99_ms']:.1f}", f"{each['errors']:.0f}"]


def _targets(server: str, kinds: dict[str, dict[str, float]]) -> list[report.Target]:
    kept, fresh = kinds["keep-alive"], kinds["new connection per request"]
    return [
        report.median_at_most(
            f"{server}: {CLIENTS:,} keep-alive clients, p99 / p50", [kept["p99_ms"] / kept["p50_ms"]], SPREAD
        ),
        report.at_least(f"{server}: new connections a second", fresh["per_second"], FRESH_PER_S[server]),
        report.exactly(f"{server}: connections, errors", kept["errors"] + fresh["errors"], 0),
    ]
