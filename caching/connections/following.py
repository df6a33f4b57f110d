"""Following a connection to a database: how its transactions end, and what they have done so far.

Django's on_commit() tells of commits alone, shows in captureOnCommitCallbacks(), and is not for manual transaction
management. So each connection's own methods are wrapped once, when Django has connected it, and every statement passes
by an execution wrapper, which sees savepoints that are rolled back by hand or by SQL as well.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol
from weakref import WeakSet

from django.db import Error, OperationalError, ProgrammingError, connections
from django.db.backends.signals import connection_created

from ..models import PendingInvalidation, RedisRun
from .failures import is_undone
from .galera import is_galera, read_causally

_ATTRIBUTE = "caching_following"
_CHANGES_NOTHING = {"", "DESCRIBE", "EXPLAIN", "PRAGMA", "SELECT", "SET", "SHOW"}


class TransactionWrites(Protocol):
    """What a transaction has written, and is told how the transaction ends."""

    def before_commit(self) -> None:
        """Do what must precede the COMMIT; an exception prevents it."""

    def committed(self) -> None:
        """Take note of a COMMIT that has succeeded; called before the application's on_commit() hooks."""

    def rolled_back(self) -> None:
        """Take note of a transaction that cannot take effect any more: no COMMIT was sent."""

    def begin_savepoint(self, name: str) -> None:
        """Take note of a savepoint, by its name in upper case."""

    def lost_track(self, savepoint: str = "") -> None:
        """Take note that a part of the transaction was undone: what came after a savepoint, or maybe all of it."""


class Effects(threading.local):
    """How many transactions and statements of this thread have taken effect, or may have."""

    count = 0


effects = Effects()


class Following:
    """What one connection has done since its transaction began. A COMMIT that failed is told to nobody: it may yet
    take effect, so holds must stay."""

    writes: TransactionWrites | None = None
    will_write = False
    """Whether the transaction that begins next is to take the lock of writers at once, in SQLite."""
    node = ""
    """The mark of the node of Galera that the connection leads to."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.has_written = in_transaction(connection)  # what it did before is not known
        self._is_manual = False
        self._isolation: str | None = None
        self._open_cursors: WeakSet[Any] = WeakSet()
        for name in ("commit", "rollback", "set_autocommit", "close"):
            setattr(connection, name, partial(getattr(self, f"_{name}"), getattr(connection, name)))
        if connection.vendor == "sqlite":
            connection.chunked_cursor = partial(self._chunked_cursor, connection.chunked_cursor)
        # In front: the context manager execute_wrapper() removes the last.
        connection.execute_wrappers.insert(0, self._execute)

    def restart(self) -> None:
        """Forget the previous connection to the server."""
        self._isolation, self.has_written = None, False
        self._roll_back()

    def may_fill(self) -> bool:
        """Return whether what is read now is committed, and not older than what anybody reads at this moment."""
        if self.has_written or self.writes is not None or self._open_cursors:
            return False
        return not in_transaction(self.connection) or self._reads_what_is_committed_now()

    def lock_before_reading(self) -> None:
        """In a deferred transaction of SQLite, take the lock of writers, before a SELECT that a write follows.

        SQLite refuses to turn a reader into a writer ("database is locked") once another connection has written.
        """
        connection = self.connection
        if self.has_written or not self._is_deferred():
            return
        table = connection.ops.quote_name(PendingInvalidation._meta.db_table)
        with connection.cursor() as cursor:
            try:
                cursor.execute(f"DELETE FROM {table} WHERE 0")  # noqa: S608  changes nothing, takes the lock
            except OperationalError as error:
                if not is_missing_table(error):
                    raise

    def _is_deferred(self) -> bool:
        connection = self.connection
        return connection.vendor == "sqlite" and connection.transaction_mode in {None, "DEFERRED"}

    def _commit(self, commit: Callable[[], None]) -> None:
        self._end(commit)

    def _set_autocommit(
        self, set_autocommit: Callable[..., None], autocommit: bool, *args: Any, **options: Any
    ) -> None:
        # SQLite and MySQL commit what is open when autocommit is switched on.
        switch = partial(set_autocommit, autocommit, *args, **options)
        if autocommit and not self.connection.autocommit:
            self._end(switch)
            return
        # Django begins atomic() by a BEGIN of its own; in manual management, SQLite commits where a savepoint ends.
        self._is_manual = not autocommit and "force_begin_transaction_with_broken_autocommit" not in options
        has_written = self.has_written
        if self.will_write and self._is_deferred():
            self.connection.transaction_mode, has_written = "IMMEDIATE", True
            try:
                switch()
            finally:
                self.connection.transaction_mode = None
        else:
            switch()
        self.has_written = has_written

    def _end(self, act: Callable[[], None]) -> None:
        """End the transaction by a COMMIT."""
        if self.connection.in_atomic_block:
            act()  # Django refuses
            return
        if self.writes is not None:
            try:
                self.writes.before_commit()
            except BaseException:
                self.connection.rollback()  # Django itself does so for errors of the database alone
                raise
        writes, self.writes = self.writes, None
        effects.count += self.has_written
        try:
            act()
        except Error as error:
            if is_undone(error):  # a deferred constraint, wrong use, a lost race: the server has not committed
                self.writes = writes
                effects.count -= self.has_written
            raise
        self.has_written = False
        if writes is not None:
            writes.committed()

    def _rollback(self, rollback: Callable[[], None]) -> None:
        if self.connection.in_atomic_block:
            rollback()  # Django refuses
            return
        try:
            rollback()
        finally:
            # Even if the server cannot be reached: without a COMMIT it rolls back.
            self.has_written = False
            if self._is_manual and self.writes is not None:
                self.writes.lost_track()
            self._roll_back()

    def _close(self, close: Callable[[], None]) -> None:
        try:
            close()
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        writes, self.writes = self.writes, None
        if writes is not None:
            writes.rolled_back()

    def _chunked_cursor(self, chunked_cursor: Callable[[], Any]) -> Any:
        """While an iterator() is being read, all reads of SQLite's connection are of the moment when it began."""
        cursor = chunked_cursor()
        self._open_cursors.add(cursor)
        return cursor

    def _execute(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        before = effects.count
        # SELECT f() and SELECT … INTO may write.
        if type(sql) is str and sql.startswith("SELECT ") and " FROM " in sql and " INTO " not in sql:
            first = "SELECT"
        else:
            first = self._note_statement(str(sql).upper())
        try:
            result = execute(sql, params, many, context)
        except Error as error:
            if is_undone(error):
                effects.count = before
            if self.writes is not None and isinstance(error, OperationalError):
                self.writes.lost_track()  # a deadlock undoes the whole transaction in MySQL
            raise
        if self.writes is not None and first in {"SAVEPOINT", "ROLLBACK"}:
            tell = self.writes.begin_savepoint if first == "SAVEPOINT" else self.writes.lost_track
            tell(str(sql).upper().split()[-1].strip('"`;'))
        return result

    def _note_statement(self, sql: str) -> str:
        """Take note of a statement that does more than read; return its first word."""
        first = sql.split(None, 1)[0] if sql and not sql.isspace() else ""
        if "ISOLATION" in sql:
            self._isolation = "set by hand"
        if in_transaction(self.connection):
            self.has_written |= first not in {"SAVEPOINT", "RELEASE", "ROLLBACK"}
        elif first in {"BEGIN", "START"}:
            self.has_written = True  # a transaction that Django does not know of
        elif first in {"COMMIT", "ROLLBACK", "END"}:
            effects.count += self.has_written
            self.has_written = False
        elif first not in _CHANGES_NOTHING:
            effects.count += 1
        return first

    def _reads_what_is_committed_now(self) -> bool:
        """Return whether the transaction is READ COMMITTED, in which each statement sees the newest commits.

        On Galera that is so for commits of the same node only: within a transaction no statement waits for others.
        """
        connection = self.connection
        if self._isolation is None:
            if is_galera(connection):
                self._isolation = "unknown"
            elif connection.vendor == "mysql":
                self._isolation = connection.isolation_level or "unknown"  # which Django has set
            elif connection.vendor == "postgresql":
                with connection.connection.cursor() as cursor:  # none of the application's queries
                    cursor.execute("SHOW transaction_isolation")
                    (self._isolation,) = cursor.fetchone()
            else:
                self._isolation = "unknown"
        return self._isolation == "read committed"


def following(using: str) -> Following:
    """Return what is known of this thread's connection to a database."""
    connection: Any = connections[using]
    found: Following | None = connection.__dict__.get(_ATTRIBUTE)
    if found is None:
        found = connection.__dict__[_ATTRIBUTE] = Following(connection)
    return found


def in_transaction(connection: Any) -> bool:
    """Return whether the next statement on a connection is part of a transaction: atomic(), or without autocommit."""
    if connection.in_atomic_block:
        return True
    if connection.connection is None:
        return not connection.settings_dict["AUTOCOMMIT"]
    return not connection.autocommit


def is_missing_table(error: Exception) -> bool:
    """Return whether a statement on one of the framework's tables failed because the database has no such table."""
    missing = isinstance(error, ProgrammingError) or "no such table" in str(error)
    return missing and any(model._meta.db_table in str(error) for model in (PendingInvalidation, RedisRun))


def _restart(*, connection: Any, **_: Any) -> None:
    if _ATTRIBUTE not in connection.__dict__:
        connection.__dict__[_ATTRIBUTE] = Following(connection)
    followed = connection.__dict__[_ATTRIBUTE]
    followed.restart()
    followed.node = read_causally(connection)


connection_created.connect(_restart, dispatch_uid="caching.connections.following")
