"""A bounded pool of threads for an event loop: what asyncio's own costs two futures and two locks more for."""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any


class Threads:
    """At most `count` calls run at once, further ones wait in order. Started as needed, after any fork."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._started = 0
        self._calls: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...], asyncio.Future[Any]]] = SimpleQueue()

    def run(self, call: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """The call's answer or error, for the running loop."""
        if self._started < self._count:
            self._started += 1
            Thread(target=self._work, daemon=True, name=f"web-{self._started}").start()
        future = asyncio.get_running_loop().create_future()
        self._calls.put((call, args, future))
        return future

    def _work(self) -> None:
        while True:
            call, args, future = self._calls.get()
            try:
                answer, error = call(*args), None
            except BaseException as raised:
                answer, error = None, raised
            loop = future.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, future, answer, error)
            del call, args, future, answer, error  # not to be kept alive while waiting for the next


def _settle(future: "asyncio.Future[Any]", answer: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(answer)
    else:
        future.set_exception(error)
