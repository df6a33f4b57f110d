"""Writing: keys are held from before a transaction's first write until its commit is acknowledged.

A transaction's holds share one token, and are lifted by the first of its on-commit hooks. A rollback lifts nothing:
its holds expire, at the price of a few database reads (`transaction_of()` lifts at once where it sees the failure).
"""

import contextlib
import logging
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Protocol

from django.db import Error, connections, transaction

from caching import pending, store
from caching.connection import Command, Unavailable

logger = logging.getLogger(__name__)


class Rider(Protocol):
    """Commands that wait for a commit, and share the round trip of its lift."""

    def commands(self) -> list[Command]:
        """Once it has come."""

    def answered(self, replies: list[Any]) -> None:
        """What the commands were answered, errors among it as exceptions."""

    def missed(self) -> None:
        """Redis could not be told."""


class Writing:
    """What one outermost transaction has touched."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.token = store.new_token()
        self.held: set[str] = set()
        self.remembered: dict[str, tuple[str, ...]] = {}  # in which savepoints; these take the row back with them
        self.sets: dict[str, store.SetChange | None] = {}  # None: only the database knows the set by now
        self.riders: list[Rider] = []
        self.hook = partial(Writing.lift, self)

    def hold(self, keys: set[str], *, keep: bool) -> None:
        try:
            store.hold(keys, self.token, keep=keep)
        except Unavailable:
            pending.remember(self.using, keys)
            self.remembered |= dict.fromkeys(keys, self._savepoints())
        else:
            self.held |= keys

    def lift(self) -> None:
        """After commit. What Redis cannot be told now is left to whoever drains the pending invalidations."""
        try:
            riding = [(rider, rider.commands()) for rider in self.riders]
            commands = [command for _, asked in riding for command in asked]
            replies = iter(store.lift(self.touched(), self.token, self._set_changes(), commands))
            for rider, asked in riding:
                rider.answered(list(islice(replies, len(asked))))
            if self.remembered:
                store.drain(self.using)
        except Unavailable:
            leave_to_others(self.using, self.held)
            for rider in self.riders:
                rider.missed()

    def abandon(self) -> None:
        """After a rollback."""
        with contextlib.suppress(Unavailable):
            unchanged = {key: change._replace(ids=()) for key, change in self._set_changes().items()}
            store.lift(self.held, self.token, unchanged)

    def change_set(self, key: str, change: int | None, limit: int) -> None:
        """Note an id that this transaction has put into a set (negative: taken out), or None for a change unknown."""
        before = self.sets.get(key, store.SetChange(limit, ()))
        # What a savepoint wrote may yet be rolled back without anybody being told.
        if change is None or before is None or self.in_savepoint():
            self.sets[key] = None
        else:
            self.sets[key] = store.SetChange(limit, (*before.ids, change))

    def _set_changes(self) -> dict[str, store.SetChange]:
        return {key: change for key, change in self.sets.items() if change is not None and key in self.held}

    def touched(self) -> set[str]:
        return self.held | self.remembered.keys()

    def covers(self, key: str) -> bool:
        """Whether a key needs no hold any more: it is held, or remembered in a savepoint that is still open."""
        if key in self.held or key not in self.remembered:
            return key in self.held
        then = self.remembered[key]
        return self._savepoints()[: len(then)] == then

    def in_savepoint(self) -> bool:
        return bool(self._savepoints())

    def _savepoints(self) -> tuple[str, ...]:
        return tuple(savepoint for savepoint in connections[self.using].savepoint_ids if savepoint)


def leave_to_others(using: str, keys: Collection[str]) -> None:
    """After a commit that Redis could not be told of: holds may have died with it, and older entries come back."""
    try:
        pending.remember(using, keys)
    except Error:
        logger.exception("Neither Redis nor the database can be told of %d written keys.", len(keys))


def hold(using: str, keys: Iterable[str], *, keep: bool = False) -> None:
    """Hold keys for the rest of the current transaction on database `using`; must come before its first write there.

    `keep`: they are id sets, which the hold keeps for the lift to change. Raises TransactionManagementError outside a
    transaction.
    """
    writing = _current(using) or _begin(using)
    fresh = {key for key in keys if not writing.covers(key)}
    if fresh:
        writing.hold(fresh, keep=keep)


def change_set(using: str, key: str, change: int | None, *, limit: int) -> None:
    """Tell the lift of a held id set what was written: an id, negative if taken out, or None if it cannot be said."""
    (_current(using) or _begin(using)).change_set(key, change, limit)


def riders(using: str) -> list[Rider] | None:
    """Those who share the round trip of the current transaction's lift, to be added to; None if there is no such lift,
    or if a savepoint may yet take back what a rider would tell."""
    writing = _current(using)
    return None if writing is None or writing.in_savepoint() else writing.riders


def touched(using: str) -> set[str]:
    """The keys that the current transaction has written, if there is one."""
    writing = _current(using)
    return writing.touched() if writing else set()


@contextlib.contextmanager
def transaction_of(using: str) -> Iterator[None]:
    """`atomic()`, but a refused write lifts its holds at once, or the keys would stay uncached until those expire."""
    connection: Any = connections[using]
    outermost = not connection.in_atomic_block
    refused = False
    if outermost:
        connection.caching_writing = None
    try:
        with transaction.atomic(using=using, savepoint=False):
            try:
                yield
            except BaseException:
                refused = True
                raise
    except BaseException:
        # A COMMIT that failed may yet take effect: then the holds must stay.
        if outermost and refused and connection.caching_writing is not None:
            connection.caching_writing.abandon()
        raise


def _current(using: str) -> Writing | None:
    """A writing is alive as long as its hook waits for the commit: a rollback throws the hooks away."""
    connection: Any = connections[using]
    writing: Writing | None = getattr(connection, "caching_writing", None)
    hooks = connection.run_on_commit
    return writing if writing and hooks and hooks[0][1] is writing.hook else None


def _begin(using: str) -> Writing:
    connection: Any = connections[using]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "A cached model is being written outside of a transaction: write it through its own manager and save(), "
            "or inside transaction.atomic()."
        )
    writing = connection.caching_writing = Writing(using)
    # First of all hooks, so that the application's own already read the new value, and belonging to no savepoint:
    # what a savepoint rolls back may have been held before it as well.
    connection.run_on_commit.insert(0, (set(), writing.hook, False))
    return writing
