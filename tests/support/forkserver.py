"""Other processes of the application, forked from one process that has already imported it (as gunicorn's workers are).

A new interpreter would need a second for the imports. The process that is forked has one thread and no connection.
"""

import contextlib
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from tests.support.threads import LONGEST_S

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.support.preload"])


def run_in_processes(*works: tuple[Any, ...]) -> list[Any]:
    """Return the results of functions that start at the same moment, each in its own process.

    `works`: tuples of a function and its arguments.
    """
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(Fork(run_connected, *work)) for work in works]
        for fork in started:
            fork.wait_until_paused()
        for fork in started:
            fork.resume()
        return [fork.result() for fork in started]


def run_connected(work: Callable[..., Any], *arguments: Any) -> Any:
    """Connect to the database and to Redis, pause until the test resumes this process, then do the work."""
    from users.models import User

    User.objects.get_some([1])
    pause()
    return work(*arguments)


def run_until_killed(work: Callable[..., Any], *arguments: Any) -> None:
    """Run work that kills its own process (see tests/support/crashes.py); AssertionError if it survives."""
    with Fork(run_connected, work, *arguments) as fork:
        assert fork.wait_until_paused().resume().exit_status() == -signal.SIGKILL


class Fork:
    """`work(*arguments)` in another process, which is killed at the end of the `with` block if it still runs."""

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        self._connection, child_connection = context.Pipe()
        self._process = context.Process(target=_run, args=(child_connection, work, arguments), daemon=True)
        self._process.start()
        child_connection.close()  # so that the end of the process closes the connection

    def wait_until_paused(self) -> "Fork":
        """Wait until the work calls `pause()`."""
        assert self.result() == PAUSED
        return self

    def resume(self) -> "Fork":
        self._connection.send(None)
        return self

    def result(self) -> Any:
        """Return what the work returned; EOFError if the process has ended without a result."""
        return self._connection.recv()

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def exit_status(self) -> int:
        """Return the status of the ended process: minus the number of the signal that killed it, as in subprocess."""
        self._process.join(2 * LONGEST_S)
        status = self._process.exitcode
        assert status is not None, "a process hangs"
        return status

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def __enter__(self) -> "Fork":
        return self

    def __exit__(self, *_: Any) -> None:
        self.kill()
        self._connection.close()


PAUSED = "paused"
_test_connection: Connection  # in the forked process: its connection to the test


def _run(connection: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    global _test_connection
    _test_connection = connection
    connection.send(work(*arguments))


def pause(*_: Any) -> None:
    """Called by the work in its own process: block until the test calls `resume()`."""
    _test_connection.send(PAUSED)
    _test_connection.recv()
