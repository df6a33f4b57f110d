"""A follower in a thread of the test's process, and statements past the application."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import MySQLdb
import pytest
from django.conf import settings
from django.db import connections

from binlog.follower import Follower
from tests.support.empty_redis import empty_redis
from tests.support.polling import wait_until



@pytest.fixture(autouse=True)
def empty_cache(transactional_db: None) -> None:
    empty_redis()


@pytest.fixture
def follower() -> Iterator[Follower]:
    """A follower that leads and has come to the end of the log."""
    stopped, one = threading.Event(), Follower()
    errors: list[Exception] = []

    def run() -> None:
        try:
            while not stopped.is_set():
                one.step()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    wait_until(lambda: errors or one._stream is not None)
    assert not errors, errors
    yield one
    stopped.set()
    thread.join(10)
    assert not errors, errors


@pytest.fixture
def sql() -> Iterator[Callable[..., int]]:
    """sql(statement, values): run it on a connection of another program, committed at once."""
    known = settings.DATABASES["default"]
    connection = MySQLdb.connect(
        host=known["HOST"], port=known["PORT"], user=known["USER"], database=known["NAME"], autocommit=True, charset="utf8mb4"
    )

    def run(statement: str, values: Any = None) -> int:
        with connection.cursor() as cursor:
            return cursor.execute(statement, values)

    yield run
    connection.close()
