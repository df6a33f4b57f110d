"""A follower in a thread of the test's process, and statements past the application."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import MySQLdb
import pytest
from django.conf import settings
from django.db import Error, connections

from binlog.follower import Follower
from binlog.models import Position
from tests.support.empty_redis import empty_redis
from tests.support.polling import wait_until

DEADLOCK = 1213


@pytest.fixture(autouse=True)
def empty_cache(transactional_db: None) -> None:
    empty_redis()


class Following:
    """A follower that is called again after each failure, as a worker does."""

    def __init__(self) -> None:
        self.follower = Follower()
        self.failures: list[Exception] = []
        self.bugs: list[BaseException] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_until(lambda: self.bugs or self.follower.is_following)

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                try:
                    if not self.follower.step():
                        time.sleep(0.1)
                except (OSError, Error) as error:
                    self.failures.append(error)
                    connections.close_all()
                    time.sleep(0.1)
            self.follower.stop()
            connections.close_all()
        except BaseException as error:
            self.bugs.append(error)

    def end(self) -> None:
        """Stop following, as a worker does at SIGTERM."""
        self._stopped.set()
        self._thread.join(10)
        assert not self.bugs, self.bugs
        assert not self._thread.is_alive()
        Position.objects.update(leads_until=None)  # the next one need not wait


@pytest.fixture
def following_log() -> Iterator[Callable[[], Following]]:
    """following_log(): follow the log from now on, or from where it was followed before."""
    started: list[Following] = []

    def start() -> Following:
        started.append(Following())
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture
def follower(following_log: Callable[[], Following]) -> Following:
    """A follower that leads and has come to the end of the log."""
    return following_log()


class Program:
    """Another program, that writes by SQL: each statement is committed at once, or given up for a deadlock."""

    def __init__(self) -> None:
        known = settings.DATABASES["default"]
        self._connection = MySQLdb.connect(
            host=known["HOST"], port=known["PORT"], user=known["USER"], database=known["NAME"], charset="utf8mb4",
            autocommit=True,
        )  # fmt: skip

    def __call__(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(statement, values)
            except MySQLdb.OperationalError as error:
                if error.args[0] != DEADLOCK:
                    raise
            return list(cursor.fetchall())

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def new_program() -> Callable[[], Program]:
    return Program


@pytest.fixture
def sql() -> Iterator[Program]:
    program = Program()
    yield program
    program.close()
