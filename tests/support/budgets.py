"""Budgets: what a block costs in SQL statements, Redis round trips and Redis commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from caching.testutils import Usage, redis_usage

TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
PAIR_LOCK = 0 if connection.vendor == "sqlite" else 1  # statements that lock a pair of users; SQLite locks at BEGIN

SCOPES = (
    "user",
    "register",
    "token",
    "account",
    "refresh",
    "bad_refresh",
    "password",
    "report",
    "export",
    "reset",
    "reset_email",
    "email",
    "email_address",
)


class Cost:
    """Statements of this thread's connection (without transaction control), and what every thread sends to Redis."""

    def __init__(self, queries: CaptureQueriesContext, usage: Usage) -> None:
        self._queries, self._usage = queries, usage

    @property
    def sql(self) -> list[str]:
        return [query["sql"] for query in self._queries if not query["sql"].startswith(TRANSACTION_CONTROL)]

    @property
    def transaction_control(self) -> list[str]:
        return [query["sql"] for query in self._queries if query["sql"].startswith(TRANSACTION_CONTROL)]

    @property
    def round_trips(self) -> int:
        return self._usage.round_trips

    @property
    def commands(self) -> int:
        return self._usage.commands


@contextmanager
def measure() -> Iterator[Cost]:
    """Yield the cost of the block, which is complete when the block ends."""
    with CaptureQueriesContext(connection) as queries, redis_usage() as usage:
        yield Cost(queries, usage)


@contextmanager
def budget(sql: int, round_trips: int, commands: int) -> Iterator[None]:
    """Assert that the block costs exactly this; `sql=0` also means that no transaction is begun."""
    with measure() as cost:
        yield
    assert (len(cost.sql), cost.round_trips, cost.commands) == (sql, round_trips, commands), cost.sql
    assert sql or not cost.transaction_control


@pytest.fixture
def throttled(settings: Any) -> None:
    """Throttles that count requests (a Redis command each) but refuse none."""
    settings.THROTTLES = dict.fromkeys(SCOPES, (1_000, 1_000))


def rows_read() -> int:
    """Return the number of rows that MariaDB's storage engine has handed out to this session so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT SUM(variable_value) FROM information_schema.session_status "
            "WHERE variable_name IN ('HANDLER_READ_FIRST', 'HANDLER_READ_KEY', 'HANDLER_READ_LAST', "
            "'HANDLER_READ_NEXT', 'HANDLER_READ_PREV', 'HANDLER_READ_RND')"
        )
        return int(cursor.fetchone()[0])
