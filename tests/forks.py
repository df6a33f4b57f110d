"""Other processes of the application, forked from one that has imported it, as gunicorn's workers are.

A new interpreter would need a second for the imports. What they come from has no other thread, and is not connected.
"""

import contextlib
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from tests.caching.threads import LONGEST_S

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.imported"])


def at_once(*works: tuple[Any, ...]) -> list[Any]:
    """What processes answer, one for each function with its arguments; all start working at the same moment."""
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(Fork(connected, *work)) for work in works]
        for fork in started:
            fork.until_waiting()
        for fork in started:
            fork.go_on()
        return [fork.answer() for fork in started]


def connected(work: Callable[..., Any], *arguments: Any) -> Any:
    """Works once it is connected to both servers, and told to go on."""
    from users.models import User

    User.objects.get_some([1])
    wait()
    return work(*arguments)


def killed(work: Callable[..., Any], *arguments: Any) -> None:
    """Another process works, and is killed by that."""
    with Fork(connected, work, *arguments) as fork:
        assert fork.until_waiting().go_on().status() == -signal.SIGKILL


class Fork:
    """`work(*arguments)` in another process, which ends with the block at the latest."""

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        self._pipe, its = context.Pipe()
        self._process = context.Process(target=_run, args=(its, work, arguments), daemon=True)
        self._process.start()
        its.close()  # so that the end of the process is the end of the pipe

    def until_waiting(self) -> "Fork":
        assert self.answer() == WAITING
        return self

    def go_on(self) -> "Fork":
        self._pipe.send(None)
        return self

    def answer(self) -> Any:
        """What the work returned."""
        return self._pipe.recv()

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def status(self) -> int:
        """How it ended, as subprocess tells it."""
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
        self._pipe.close()


WAITING = "waiting"
_to_the_test: Connection


def _run(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    global _to_the_test
    _to_the_test = pipe
    pipe.send(work(*arguments))


def wait(*_: Any) -> None:
    """Called by the work: until the test lets it go on."""
    _to_the_test.send(WAITING)
    _to_the_test.recv()
