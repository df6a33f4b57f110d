"""Probes: `/healthz` tells that the process answers, `/readyz` whether the database and Redis do (503 if not).

`/readyz` also tells whether every job has a living worker, and whether popups are shown (not where Redis may evict what
was shown), which does not count: web processes answer without these.

`/readyz` is 503 as well while the service is about to stop, so that load balancers send it no new requests.

This middleware comes before all others. Probes connect to an IP address in plain HTTP, so the check of the host name
and the redirect to HTTPS must not apply to them. On servers with an event loop the views in EVENT_LOOP_VIEWS answer
there, because all threads may be waiting for a server that hangs.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from api.outages import Outage, database
from caching import api as caching
from jobs.api import job_states
from jobs.bulkhead import Bulkhead, Pending
from popups import eviction
from serving.api import is_stopping

DEADLINE_S = 2.0


class Probes:
    """Middleware that answers probes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return PROBES.get(request.path_info, self.get_response)(request)


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200."""
    return _answer({"status": "ok"}, ok=True)


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer the state of each server within DEADLINE_S, even if a server hangs."""
    return _answer_states(_begin_checks())


async def healthz_in_event_loop(environ: Mapping[str, Any]) -> HttpResponse:
    """Answer 200, like healthz()."""
    return _answer({"status": "ok"}, ok=True)


async def readyz_in_event_loop(environ: Mapping[str, Any]) -> HttpResponse:
    """Answer the state of each server like readyz(), and occupy no thread while waiting."""
    checks = _begin_checks()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*(asyncio.wrap_future(check.future) for check in checks.values()))
    return _answer_states(checks)


PROBES = {"/healthz": healthz, "/readyz": readyz}
EVENT_LOOP_VIEWS = {"/healthz": healthz_in_event_loop, "/readyz": readyz_in_event_loop}


def _answer_states(checks: dict[str, Pending[None]]) -> HttpResponse:
    states = {name: _state(name, check) for name, check in checks.items()}
    needed = [state for name, state in states.items() if name not in NOT_NEEDED]
    status = "stopping" if is_stopping() else "ok" if all(state == "ok" for state in needed) else "error"
    return _answer({"status": status, **states}, ok=status == "ok")


def _answer(body: dict[str, str], *, ok: bool) -> HttpResponse:
    response = JsonResponse(body, status=200 if ok else 503, headers={"Cache-Control": "no-store"})
    response["Content-Length"] = str(len(response.content))
    return response


def _state(name: str, check: Pending[None]) -> str:
    error = check.answer(DEADLINE_S).error
    if outage := OUTAGES.get(name):  # the workers of jobs say themselves what fails
        if error is None:
            outage.answered()
        else:
            outage.failed(error)
    return "ok" if error is None else "error"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _jobs() -> None:
    dead = [f"{job.name} ({job.state})" for job in job_states() if not job.is_alive]
    if dead:
        raise RuntimeError(f"no worker runs {', '.join(dead)}")


def _popups() -> None:
    if reason := eviction.ask():
        raise RuntimeError(reason)


NOT_NEEDED = ("jobs", "popups")
OUTAGES = {"database": database, "redis": Outage("Redis", "/readyz is 503 until it answers again")}
CHECKS: dict[str, Callable[[], None]] = {"database": _database, "redis": caching.ping, "jobs": _jobs, "popups": _popups}
_bulkhead = Bulkhead("readyz", len(CHECKS))


def _begin_checks() -> dict[str, Pending[None]]:
    return {name: _bulkhead.begin(name, check) for name, check in CHECKS.items()}
