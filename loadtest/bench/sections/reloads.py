"""Section `reloads`: requests that keep-alive clients lose while web servers reload, or stop behind a load balancer."""

import os
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from devtools import servers
from loadtest.bench import report
from loadtest.bench.environment import Environment
from loadtest.bench.keep_alive_clients import ANSWERED, CONNECTIONS, Clients, running
from loadtest.bench.web_server import ARGUMENTS, WebServer, worker_pids

WORKERS = 2
HEADER = ("server", "answered", "connections", "lost", "seconds")
NO_HAPROXY = "Stops are not measured: install Debian's haproxy."


class Scale(NamedTuple):
    """So many `reloads`, one every `every_s` seconds, under `clients` that send `per_second` requests together."""

    reloads: int
    every_s: float
    clients: int
    per_second: int


FULL, QUICK = Scale(10, 10, 200, 1_300), Scale(2, 8, 50, 500)


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Reload each server again and again under load; then stop one of two behind HAProxy, if that is installed."""
    report.print_heading(f"{scale.reloads} reloads under {scale.clients} keep-alive clients; a stop behind HAProxy")
    found = {f"{server}, reloads": _reload(env, server, scale) for server in ARGUMENTS}
    if servers.program("haproxy"):
        found |= {f"{server}, stop": _stop(env, server, scale) for server in ARGUMENTS}
    else:
        print(f"\n{NO_HAPROXY}")
    print("", report.table(HEADER, [[name, *figures.values()] for name, figures in found.items()]), sep="\n")
    return found, [report.exactly(f"{name}: lost requests", figures["lost"], 0) for name, figures in found.items()]


def _reload(env: Environment, server: str, scale: Scale) -> dict[str, float]:
    def reload() -> None:
        before = worker_pids(web.supervisor_pid, WORKERS)
        os.kill(web.supervisor_pid, signal.SIGHUP)
        time.sleep(scale.every_s)
        if {*before} & {*worker_pids(web.supervisor_pid, WORKERS)}:
            raise SystemExit(f"{server} has not reloaded within {scale.every_s} s.")

    with env.web_server(workers=WORKERS, threads=8, SERVER=server, LANE="on", WEB_DRAIN_S="2") as web:
        return _lost(env, web.port, scale, reload, scale.reloads)


def _stop(env: Environment, server: str, scale: Scale) -> dict[str, float]:
    variables = {"SERVER": server, "LANE": "on", "WEB_DRAIN_S": "3"}
    with (
        env.web_server(workers=1, threads=8, **variables) as stopped,
        env.web_server(workers=1, threads=8, **variables) as other,
    ):
        port, balancer = servers.start_haproxy(env.folder, [stopped.port, other.port])
        try:
            half = scale._replace(per_second=scale.per_second // 2)  # one worker has to bear it in the end
            return _lost(env, port, half, lambda: _end(stopped, scale.every_s), 1)
        finally:
            balancer.kill()
            balancer.wait()


def _end(web: WebServer, seconds: float) -> None:
    time.sleep(seconds / 2)
    os.kill(web.supervisor_pid, signal.SIGTERM)
    time.sleep(seconds)


def _lost(env: Environment, port: int, scale: Scale, action: Callable[[], None], times: int) -> dict[str, float]:
    """Do something several times while clients request a user, on the hot lane, a list by Django, and a probe."""
    headers = {"Authorization": f"Bearer {env.tokens[0]}", "X-Forwarded-Proto": "https"}
    paths = ["/api/v1/users/1", "/api/v1/users/1", "/healthz", "/api/v1/users/me"]
    began = time.monotonic()
    with running(
        Clients(
            port=port, paths=paths, headers=headers, seconds=scale.every_s * (times + 0.5) + 1,
            clients=scale.clients, per_second=scale.per_second,
        )
    ) as clients:  # fmt: skip
        for _ in range(times):
            action()
        lost = clients.lost()
    if lost:
        print(f"lost: {lost}")
    seconds = time.monotonic() - began
    counts = clients.counts
    return {
        "answered": counts[ANSWERED], "connections": counts[CONNECTIONS], "lost": sum(lost.values()),
        "seconds": round(seconds),
    }  # fmt: skip
