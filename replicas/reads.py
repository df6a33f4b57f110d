"""Reads that a replica may answer; see docs/decisions/0033-reads-from-replicas.md.

    @may_read_replica
    def get(self, request): …

Within such a function, plain reads go to a replica that has all that was committed before the first of them, by
whomever and on whatever host. All other reads go to the writer, also within the function: those inside atomic(), those
after a write, and those by which caching fills, because caching asks where a model is written.
"""

from collections.abc import Callable
from contextlib import ExitStack
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, connections

from replicas import servers

P = ParamSpec("P")
R = TypeVar("R")
HARMLESS = ("SELECT", "SHOW ", "SET ", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")


class _Read:
    """One call of a marked function: the replica that answers it, once one was chosen, and whether it still may."""

    replica: servers.Replica | None = None
    failure: Error | None = None
    """The error of a statement on the replica; errors of the writer are none of its own."""
    _is_chosen = False
    _has_written = False

    def __init__(self, wrappers: ExitStack) -> None:
        self._wrappers = wrappers
        wrappers.enter_context(connections[DEFAULT_DB_ALIAS].execute_wrapper(self.note_write))

    def database(self) -> str:
        writer = connections[DEFAULT_DB_ALIAS]
        if self._has_written or writer.in_atomic_block or not writer.get_autocommit():
            return DEFAULT_DB_ALIAS
        if not self._is_chosen:
            self.replica, self._is_chosen = servers.up_to_date(), True
            if self.replica:
                self._wrappers.enter_context(connections[self.replica.alias].execute_wrapper(self.note_failure))
        return self.replica.alias if self.replica else DEFAULT_DB_ALIAS

    def note_write(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Take note of a statement on the writer: what is read after a write has to show it."""
        if not str(sql).lstrip("( \n").upper().startswith(HARMLESS):
            self._has_written = True
        return execute(sql, params, many, context)

    def note_failure(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Take note of a statement that fails on the replica."""
        try:
            return execute(sql, params, many, context)
        except Error as error:
            self.failure = error
            raise


_current: ContextVar[_Read | None] = ContextVar("replicas.reads", default=None)


def may_read_replica(function: Callable[P, R]) -> Callable[P, R]:
    """Let the plain reads of a function use a replica. Where a replica fails, the function is called again, and reads
    the writer: it must not do anything else than to read, and it must not be a generator."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not servers.replicas() or _current.get() is not None:
            return function(*args, **kwargs)
        with ExitStack() as wrappers:
            read = _Read(wrappers)
            try:
                return _call(read, function, *args, **kwargs)
            except Error:
                if read.replica is None or read.failure is None:
                    raise
                read.replica.failed(read.failure)
        return function(*args, **kwargs)

    return call


def _call(read: _Read, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    token = _current.set(read)
    try:
        return function(*args, **kwargs)
    finally:
        _current.reset(token)


def database() -> str:
    """Return the alias of the database that a plain read asks now."""
    read = _current.get()
    return DEFAULT_DB_ALIAS if read is None else read.database()
