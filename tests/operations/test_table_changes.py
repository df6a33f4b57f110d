"""Tables are copied and swapped under load, by SQL past the project: requests succeed, or are answered 503."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import MySQLdb
import pytest

from tests.operations.system import System
from tests.support.short_form import SHORT
from tests.support.visitor import Outcome, Visitor

pytestmark = [pytest.mark.services, pytest.mark.sampled]
VISITORS = 3
CHANGES_S = 6 if SHORT else 20
TRIES = 50
ROUNDS = 10  # of which one is of accounts, which computes hashes of passwords most of its time
STREAMED = {("GET", "users/me/export")}  # whose status is sent before its rows are read
REFERRED = ("users_user", "posts_post", "ratings_item", "users_login")  # by foreign keys of what visitors write


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    system = System(tmp_path_factory.mktemp("changes"), THROTTLES="off", WEB_THREADS="4")
    yield system
    system.end()


def copies(tables: list[str]) -> Iterator[str]:
    """Yield statements that replace tables by copies, again and again; mostly those to which others refer."""
    while True:
        for table in tables:
            for each in (table, *REFERRED):
                yield f"ALTER TABLE {each} FORCE, ALGORITHM=COPY"


def swaps(tables: list[str]) -> Iterator[str]:
    """Yield statements between which a table is missing, as with online changes that swap it by two statements."""
    while True:
        for table in tables:
            yield from (f"RENAME TABLE {table} TO {table}_old", f"RENAME TABLE {table}_old TO {table}")


class Rounds:
    """Visitors who make rounds in threads until the end; `outcomes` is what came of each request."""

    def __init__(self, visitors: list[Visitor]) -> None:
        self.outcomes: list[Outcome] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._go_round, args=[visitor]) for visitor in visitors]

    def __enter__(self) -> "Rounds":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _go_round(self, visitor: Visitor) -> None:
        for number in itertools.count():
            if self._ended.is_set():
                return
            self.outcomes += visitor.round() if number % ROUNDS else visitor.accounts()


def change(system: System, changes: Callable[[list[str]], Iterator[str]]) -> int:
    """Change all tables in turn for CHANGES_S; return how many statements were made."""
    with system.sql() as connection:
        cursor = connection.cursor()
        cursor.execute("SET lock_wait_timeout=2")
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema='hotpath'")
        tables = [name for (name,) in cursor.fetchall()]
        until = time.monotonic() + CHANGES_S
        for number, statement in enumerate(changes(tables)):
            make(cursor, statement)
            if time.monotonic() > until and number % 2:
                return number + 1
    raise AssertionError


def make(cursor: Any, statement: str) -> None:
    """Make a change, which may wait for the lock of its table in vain."""
    for attempt in range(TRIES):
        try:
            cursor.execute(statement)
            return
        except MySQLdb.OperationalError:
            if attempt == TRIES - 1:
                raise


@pytest.mark.parametrize("changes", [copies, swaps])
def test_tables_that_change(system, changes):
    visitors = [Visitor(system.web.port, f"{changes.__name__}{number}") for number in range(VISITORS)]
    for visitor in visitors:
        all_is_well(visitor)
    with Rounds(visitors) as rounds:
        made = change(system, changes)
    statuses = Counter(each.status for each in rounds.outcomes)
    print(f"\n{changes.__name__}: {made} changes of tables, {len(rounds.outcomes)} requests, answered {dict(statuses)}")
    refused = [each for each in rounds.outcomes if each.status in {0, 500, 503} and each.operation not in STREAMED]
    assert {each.status for each in refused} <= {503}, system.log()
    assert {each.headers["retry-after"] for each in refused} <= {"2"}
    for visitor in visitors:
        all_is_well(visitor)
        visitor.leave()


def all_is_well(visitor: Visitor) -> None:
    """Make a round, and compare its answers with those of any day."""
    outcomes = [*visitor.round(), *visitor.accounts()]
    assert {each.status for each in outcomes} <= {200, 201, 202, 204, 400, 404}, outcomes
