"""A bounded pool of threads for an event loop; asyncio's own costs two futures and two locks more for each call."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from time import perf_counter
from typing import Any
from weakref import WeakSet

from django.conf import settings

from caching.api import Durations

MAX_WAIT_S = 1.0  # for an event loop that has ended
MAX_QUEUE_SHARE = 0.5  # of a request's deadline, that it may wait for a thread, by what those before it take
FIRST_MEAN_S = 0.1  # how long calls take, before any has told
WEIGHT = 1 / 16  # of a call in that mean


pools: "WeakSet[ThreadPool]" = WeakSet()
waits: Durations[tuple[()]] = Durations()
"""How long calls have waited for a thread, in this process."""


class ThreadPool:
    """Runs at most `size` calls at once; further calls wait in order.

    Threads are started by the first calls, because a fork would not copy them. After a result for which `is_large` is
    true, a thread waits until the event loop has taken it: results that the loop has not come to do not pile up.
    """

    def __init__(self, size: int, is_large: Callable[[Any], bool]) -> None:
        self.size, self._is_large = size, is_large
        self._started = 0
        self._mean_s = FIRST_MEAN_S  # written by all threads: one may undo what another has added, which matters little
        self._progress_at = 0.0  # when a call was taken last, or the first of those that wait came
        self._busy: deque[None] = deque()  # an entry for each thread at work: to append and to pop is atomic
        self._calls: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...], asyncio.Future[Any], float]] = SimpleQueue()
        pools.add(self)

    def run(self, call: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """Return a future of the running event loop, for the call's result or exception."""
        if self._started < self.size:
            self._started += 1
            Thread(target=self._work, daemon=True, name=f"web-{self._started}").start()
        future = asyncio.get_running_loop().create_future()
        now = perf_counter()
        if not self._calls.qsize():
            self._progress_at = now
        self._calls.put((call, args, future, now))
        return future

    @property
    def is_overloaded(self) -> bool:
        """Whether a further call would wait for longer than MAX_QUEUE_SHARE, as far as can be told."""
        waiting = self._calls.qsize()
        if not waiting:
            return False
        most_s = MAX_QUEUE_SHARE * settings.WEB_DEADLINE_S
        stands_still = perf_counter() - self._progress_at > most_s  # all threads wait for a server that hangs
        return stands_still or waiting * self._mean_s > most_s * self.size

    @property
    def busy(self) -> int:
        """The number of threads at work."""
        return len(self._busy)

    @property
    def waiting(self) -> int:
        """The number of calls that wait for a thread."""
        return self._calls.qsize()

    def _work(self) -> None:
        while True:
            call, args, future, asked_at = self._calls.get()
            if future.cancelled():  # the request was given up, and must not be done after that
                continue
            self._busy.append(None)
            self._progress_at = began_at = perf_counter()
            waits.add((), began_at - asked_at)
            resolve: Callable[[Any], None] = future.set_result
            try:
                outcome = call(*args)
            except BaseException as error:
                resolve, outcome = future.set_exception, error
            self._busy.pop()
            self._mean_s += WEIGHT * (perf_counter() - began_at - self._mean_s)
            loop = future.get_loop()
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(_resolve, future, resolve, outcome)
                if self._is_large(outcome):
                    taken = Event()
                    loop.call_soon_threadsafe(taken.set)
                    taken.wait(MAX_WAIT_S)
            del call, args, future, resolve, outcome  # must not be kept alive while the thread waits


def _resolve(future: "asyncio.Future[Any]", resolve: Callable[[Any], None], outcome: Any) -> None:
    if not future.cancelled():
        resolve(outcome)
