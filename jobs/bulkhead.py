"""Calls to servers that may hang: each is made in one thread of a few, and is waited for until a deadline.

A call that is given up goes on in its thread until the server's own time limit. While it does, it is not begun again:
everybody who asks for it waits for the one that runs. So a server that hangs keeps one thread for each call at most,
and never more threads than its bulkhead has; calls to other servers have other bulkheads.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connections

T = TypeVar("T")


class Answer(NamedTuple, Generic[T]):
    """What a call returned, after `took_ms`; or the error that it raised, a TimeoutError if it took too long."""

    value: T | None = None
    error: Exception | None = None
    took_ms: float = 0.0


class Pending(NamedTuple, Generic[T]):
    """An answer to come, and the time.monotonic() at which it was asked for."""

    future: "Future[Answer[T]]"
    asked_at: float

    def answer(self, limit_s: float) -> Answer[T]:
        """Return the answer, `limit_s` after it was asked for at the latest; raises nothing."""
        try:
            return self.future.result(max(0.0, self.asked_at + limit_s - time.monotonic()))
        except Exception:  # late, or cancelled as it was late for somebody else
            self.future.cancel()  # if it has not begun: it waits for threads that the server keeps
            return Answer(error=TimeoutError(f"No answer within {limit_s:g} s."))


class Bulkhead:
    """The threads for calls to one server. Who asks within `fresh_s` of a call that succeeded is given its answer."""

    def __init__(self, name: str, threads: int = 1, *, fresh_s: float = 0.0) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._fresh_s = fresh_s
        self._begun: dict[str, Pending[Any]] = {}
        self._lock = Lock()

    def begin(self, name: str, call: Callable[[], T]) -> Pending[T]:
        """Return the answer to come of the call that runs under this name, or of a new one.

        `call` runs in a thread whose database connections are closed afterwards.
        """
        with self._lock:
            now = time.monotonic()
            self._begun = {each: begun for each, begun in self._begun.items() if self._counts(begun, now)}
            if name not in self._begun:
                self._begun[name] = Pending(self._pool.submit(_run, call), now)
            return self._begun[name]._replace(asked_at=now)

    def _counts(self, begun: Pending[Any], now: float) -> bool:
        future = begun.future
        if not future.done():
            return True
        return not future.cancelled() and now - begun.asked_at < self._fresh_s and future.result().error is None


def _run(call: Callable[[], T]) -> Answer[T]:
    began = time.perf_counter()
    try:
        return Answer(call(), took_ms=(time.perf_counter() - began) * 1_000)
    except Exception as error:
        return Answer(error=error)
    finally:
        connections.close_all()
