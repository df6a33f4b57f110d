"""Asking a database whether a writer whose holds are past may still be at work.

A COMMIT may take effect long after it was sent: storage stalls, the client gives up or is killed meanwhile. Until then
its transaction is open in the database, where it keeps its locks. The holds of a transaction are renewed just before
its COMMIT, so whoever asks after HOLD_MS meets a transaction that has made all its writes.

SQLite              whether the lock of writers is free (BEGIN IMMEDIATE, without waiting)
MySQL, MariaDB      whether the rows that the entry is loaded from are free: the entry's own query, which locks what it
                    reads in SERIALIZABLE transactions; changed, deleted and inserted rows alike. On Galera, where the
                    locks of another node do not show, the writer's has to be this one, or to have left the cluster
PostgreSQL          whether a transaction with an id is older than the hold's time (pg_stat_activity, in which ids of
                    transactions are shown to all; those of unknown age count)
others              never sure
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import DatabaseError, Error, connections

from .following import following
from .galera import is_galera, members

logger = logging.getLogger(__name__)

PAUSE_S = 0.1
"""How long this process does not ask again after it was told that a writer may be at work."""

_OPEN_TRANSACTIONS = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND backend_xid IS NOT NULL
      AND pid <> pg_backend_pid() AND (xact_start IS NULL OR xact_start < to_timestamp(%s)) LIMIT 1
"""


class Question(NamedTuple):
    """A hold that is past: `load` makes the query that its entry is loaded by; `deadline_ms` is its last claim's, and
    `nodes` are the marks of the nodes of Galera on which its writers are."""

    load: Callable[[], Any]
    deadline_ms: int
    nodes: Collection[str] = ()


class _Turn:
    """One thread of this process asks at a time, and pauses where a writer may be at work."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.next_at = 0.0

    def take(self) -> bool:
        return time.monotonic() >= self.next_at and self.lock.acquire(blocking=False)


_turn = _Turn()


def decided(using: str, questions: Mapping[str, Question]) -> list[str]:
    """Return those of some keys of which no writer can be at work any more; none if this process is asking already.

    By a connection of its own, so that a transaction of the caller is not touched.
    """
    if not questions or not _turn.take():
        return []
    try:
        with _another_connection(using) as connection:
            ask = {"sqlite": _ask_sqlite, "mysql": _ask_mysql, "postgresql": _ask_postgresql}.get(connection.vendor)
            answers = [key for key, question in questions.items() if ask is not None and ask(connection, question)]
    except Error:
        answers = []
    finally:
        _turn.lock.release()
    if len(answers) < len(questions):
        _turn.next_at = time.monotonic() + PAUSE_S
    return answers


@contextmanager
def _another_connection(using: str) -> Iterator[Any]:
    """Connect to a database anew, in place of this thread's connection."""
    own: Any = connections[using]
    other = own.copy()
    connections[using] = other
    try:
        yield other
    finally:
        connections[using] = own
        other.close()


def _ask_sqlite(connection: Any, question: Question) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
        return _succeeds(lambda: (cursor.execute("BEGIN IMMEDIATE"), cursor.execute("ROLLBACK")))


def _ask_mysql(connection: Any, question: Question) -> bool:
    if is_galera(connection) and not _would_show(connection, set(question.nodes)):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        shortest_s = 0 if connection.mysql_is_mariadb else 1
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {shortest_s}")
    connection.set_autocommit(False)
    try:
        return _succeeds(question.load)
    finally:
        connection.rollback()
        connection.set_autocommit(True)


def _would_show(connection: Any, nodes: set[str]) -> bool:
    """Return whether no writer is at work on another node of Galera."""
    connection.ensure_connection()
    others = nodes - {following(connection.alias).node}
    try:
        return not others or ("" not in others and others.isdisjoint(members(connection)))
    except DatabaseError:
        logger.info("Whether a node has left the cluster is not known: grant SELECT on mysql.wsrep_cluster_members.")
        return False


def _ask_postgresql(connection: Any, question: Question) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_TRANSACTIONS, [question.deadline_ms / 1000])
        return cursor.fetchone() is None


def _succeeds(act: Callable[[], Any]) -> bool:
    try:
        act()
    except Error:
        return False
    return True
