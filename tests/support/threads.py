"""Threads of the test process, each with a database connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

LONGEST_S = 120  # no thread, process or condition that a test waits for may take longer


class Task(threading.Thread):
    """A call in a thread of its own, started at once; `result()` returns its result or raises its error."""

    def __init__(self, call: Callable[[], Any], barrier: threading.Barrier | None = None) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._barrier = barrier
        self._result: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            if self._barrier:
                self._barrier.wait(LONGEST_S)
            self._result = self._call()
        except BaseException as error:
            self._error = error
        finally:
            connections.close_all()

    def result(self) -> Any:
        self.join(LONGEST_S)
        assert not self.is_alive(), "a thread hangs"
        if self._error:
            raise self._error
        return self._result


def in_another_thread(call: Callable[[], Any]) -> Any:
    """Return the result of a call that runs in another thread, outside of this thread's transaction."""
    return Task(call).result()


def in_parallel(*calls: Callable[[], Any]) -> list[Any]:
    """Return the results of calls that start at the same moment (at a barrier), each in its own thread."""
    barrier = threading.Barrier(len(calls))
    return [task.result() for task in [Task(call, barrier) for call in calls]]
