"""Asking several servers at once, each within a time limit: one that hangs keeps nobody from what the others say.

A call that is given up goes on in its thread until the server's own time limit. The threads of each server are few, so
that those which wait for one never keep a call to another.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, Literal, NamedTuple

from django.db import connections

from operations.text import said

LIMIT_S = 1.5
THREADS = 4  # for each server
Server = Literal["database", "redis", "both"]


class Call(NamedTuple):
    """A function that asks a server, and how long it may take. It is not called twice at once under one name."""

    server: Server
    function: Callable[[], Any]
    limit_s: float = LIMIT_S


class Answer(NamedTuple):
    """What a call returned, and after how many ms; or `error`, which tells why there is no value."""

    value: Any = None
    error: str = ""
    took_ms: float = 0.0


_pools = {name: ThreadPoolExecutor(THREADS, thread_name_prefix=f"operations-{name}") for name in Server.__args__}  # type: ignore[attr-defined]
_running: dict[str, Future[Any]] = {}
_lock = Lock()


def gather(calls: Mapping[str, Call]) -> dict[str, Answer]:
    """Return the answers of all calls by name, as late as the longest limit; raises nothing."""
    began = time.monotonic()
    started = {name: _start(name, call) for name, call in calls.items()}
    return {name: _answer(future, calls[name].limit_s, began) for name, future in started.items()}


def ask(name: str, call: Call) -> Answer:
    """Return the answer of one call; raises nothing."""
    return gather({name: call})[name]


def _start(name: str, call: Call) -> Future[Any]:
    with _lock:
        future = _running.get(name)
        if future is None or future.done():
            future = _running[name] = _pools[call.server].submit(_run, call.function)
    future.add_done_callback(lambda done: _forget(name, done))
    return future


def _forget(name: str, future: Future[Any]) -> None:
    if _running.get(name) is future:
        _running.pop(name, None)


def _run(function: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    try:
        return function(), (time.perf_counter() - began) * 1_000
    finally:
        connections.close_all()


def _answer(future: Future[Any], limit_s: float, began: float) -> Answer:
    try:
        value, took_ms = future.result(max(0.0, began + limit_s - time.monotonic()))
    except Exception as error:
        if future.done() and not future.cancelled():
            return Answer(error=said(error))
        future.cancel()  # if it has not begun: it waits for the threads of a server that hangs
        return Answer(error=f"No answer within {limit_s:g} s.")
    return Answer(value, took_ms=took_ms)
