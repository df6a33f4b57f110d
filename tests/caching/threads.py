"""Other threads, each with a database connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

LONGEST_S = 60


class Task(threading.Thread):
    """A call in a thread of its own; `result()` gives its answer or raises its error."""

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


def elsewhere(call: Callable[[], Any]) -> Any:
    """What another thread gets."""
    return Task(call).result()


def together(*calls: Callable[[], Any]) -> list[Any]:
    """What threads get that start at one barrier."""
    barrier = threading.Barrier(len(calls))
    return [task.result() for task in [Task(call, barrier) for call in calls]]
