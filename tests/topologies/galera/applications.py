"""Processes of the application, each with the project's settings and connected to one node, or to HAProxy."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from tests.support.programs import SET_BY_THE_SUITE

LONGEST_S = 60
PAUSED = "paused"
_spawn = multiprocessing.get_context("spawn")
_test: Connection  # in the process: its connection to the test


class Application:
    """A process that calls functions of the tests' modules, one at a time."""

    def __init__(self, database_url: str, redis_url: str, **values: str) -> None:
        self._connection, theirs = _spawn.Pipe()
        self.process = _spawn.Process(target=_serve, args=(theirs,), daemon=True)
        own = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        with _environment(
            **own, DEBUG="0", SECRET_KEY="tests-only-" + "x" * 50, HTTPS="off", ALLOWED_HOSTS="*", **values
        ):
            self.process.start()
        theirs.close()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function returns in the process; AssertionError with what it raises."""
        return self.start(function, *arguments).result()

    def start(self, function: Callable[..., Any], *arguments: Any) -> "Application":
        self._connection.send((function, arguments))
        return self

    def wait_until_paused(self) -> "Application":
        assert self.result() == PAUSED
        return self

    def resume(self) -> "Application":
        self._connection.send(None)
        return self

    def result(self) -> Any:
        assert self._connection.poll(LONGEST_S), "the process does not answer"
        kind, answer = self._connection.recv()
        assert kind != "raised", answer
        return answer

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self._connection.close()


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = dict(os.environ)
    for name in SET_BY_THE_SUITE:
        os.environ.pop(name, None)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _serve(connection: Connection) -> None:
    global _test
    import django

    django.setup()
    from django.db import close_old_connections

    _test = connection
    while True:
        function, arguments = connection.recv()
        close_old_connections()  # as before each request
        try:
            answer = "returned", function(*arguments)
        except Exception as error:
            answer = "raised", repr(error)
        connection.send(answer)


def pause(*_: Any) -> None:
    """Stop in the process until the test calls `resume()`."""
    _test.send(("returned", PAUSED))
    _test.recv()
