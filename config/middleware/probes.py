"""`/healthz`: the process answers. `/readyz`: so do the database and Redis, each named; 503 when one does not.

A middleware, ahead of all others: a probe comes by address and in plain HTTP, so neither the check of the host name
nor the redirect to HTTPS may stand in its way.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from caching.api import redis_client

DEADLINE_S = 2.0
log = logging.getLogger(__name__)


class Probes:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/healthz":
            return healthz(request)
        if request.path_info == "/readyz":
            return readyz(request)
        return self.get_response(request)


def healthz(request: HttpRequest) -> HttpResponse:
    return _answer({"status": "ok"}, ok=True)


def readyz(request: HttpRequest) -> HttpResponse:
    """Answers within DEADLINE_S, also when a server hangs."""
    asked = {name: _asked(name) for name in CHECKS}
    wait(asked.values(), timeout=DEADLINE_S)
    states = {name: _state(name, future) for name, future in asked.items()}
    ok = all(state == "ok" for state in states.values())
    return _answer({"status": "ok" if ok else "error", **states}, ok=ok)


def _answer(body: dict[str, str], *, ok: bool) -> HttpResponse:
    response = JsonResponse(body, status=200 if ok else 503, headers={"Cache-Control": "no-store"})
    response["Content-Length"] = str(len(response.content))
    return response


def _state(name: str, future: Future[None]) -> str:
    if not future.done():
        log.warning("readyz: %s does not answer within %s s.", name, DEADLINE_S)
        return "error"
    if error := future.exception():
        log.warning("readyz: %s: %s", name, error)
        return "error"
    return "ok"


def _database() -> None:
    """In the probe's own thread, thus on a connection of its own, which is closed at once."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def _redis() -> None:
    redis_client().ping()


CHECKS: dict[str, Callable[[], None]] = {"database": _database, "redis": _redis}
_pool = ThreadPoolExecutor(max_workers=len(CHECKS), thread_name_prefix="readyz")
_running: dict[str, Future[None]] = {}
_lock = Lock()


def _asked(name: str) -> Future[None]:
    """The check that still runs, or a new one: while a server hangs, probes share one thread instead of piling up."""
    with _lock:
        if name not in _running or _running[name].done():
            _running[name] = _pool.submit(CHECKS[name])
        return _running[name]
