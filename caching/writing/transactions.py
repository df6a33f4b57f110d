"""Writes: keys are held from before a transaction's first write until its commit is acknowledged.

The holds of a transaction share one token, and are lifted by the first of its on-commit hooks. A rollback lifts
nothing: its holds expire, at the price of a few database reads (`atomic_write()` lifts at once if it sees the failure).
"""

import contextlib
import logging
from collections.abc import Collection, Iterable, Iterator
from contextvars import ContextVar
from functools import partial
from itertools import islice
from typing import Any, Protocol

from django.db import Error, connections, transaction

from ..conf import conf
from ..protocol import pending, steps
from ..redis.breaker import breaker
from ..redis.client import FAILURES, Unavailable
from ..redis.script import Command

logger = logging.getLogger(__name__)
_begun: ContextVar[Any] = ContextVar("caching_begun", default=None)


class JoinsCommit(Protocol):
    """Commands that wait for a commit, and share the round trip in which Redis is told of it."""

    def commands(self) -> list[Command]:
        """Return the commands to send; called after the commit."""

    def resolve(self, replies: list[Any] | None) -> Any:
        """Take the replies, errors among them as exceptions; None if Redis could not be told."""


class WriteTransaction:
    """The keys that one outermost transaction has written, and what Redis is to be told after its commit."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.token = steps.new_token()
        self.held: set[str] = set()
        # By key, the savepoints it was recorded in: their rollback takes the pending row back.
        self.recorded: dict[str, tuple[str, ...]] = {}
        self.sets: dict[str, steps.SetChange | None] = {}  # None: only the database knows the set from now on
        self.joined: list[JoinsCommit] = []
        self.hook = partial(WriteTransaction.lift, self)

    def hold(self, keys: set[str], kept: set[str]) -> None:
        """Hold keys, or record them as pending where Redis cannot be told."""
        try:
            steps.hold(keys, self.token, kept=kept)
        except Unavailable:
            pending.record(self.using, keys | kept)
            self.recorded |= dict.fromkeys(keys | kept, self._savepoints())
        else:
            self.held |= keys | kept

    def lift(self) -> None:
        """Lift all holds, after the commit. What Redis cannot be told now is recorded as pending."""
        joined = [(each, each.commands()) for each in self.joined]
        extra = [command for _, commands in joined for command in commands]
        try:
            replies = iter(steps.lift(self.written_keys(), self.token, self._set_changes(), extra))
        except Unavailable:
            record_pending(self.using, self.held)
            for each, _ in joined:
                each.resolve(None)
            return
        for each, commands in joined:
            each.resolve(list(islice(replies, len(commands))))
        if self.recorded:
            _apply_pending(self.using)

    def abandon(self) -> None:
        """Lift all holds, after a rollback."""
        with contextlib.suppress(Unavailable):
            unchanged = {key: change._replace(ids=()) for key, change in self._set_changes().items()}
            steps.lift(self.held, self.token, unchanged)

    def change_set(self, key: str, change: int | None, limit: int) -> None:
        """Note an id that this transaction has put into a set (negative: taken out), or None for a change unknown."""
        before = self.sets.get(key, steps.SetChange(limit, ()))
        # The rollback of a savepoint is not announced, so what it wrote cannot be told from what stays.
        if change is None or before is None or self.in_savepoint():
            self.sets[key] = None
        else:
            self.sets[key] = steps.SetChange(limit, (*before.ids, change))

    def _set_changes(self) -> dict[str, steps.SetChange]:
        return {key: change for key, change in self.sets.items() if change is not None and key in self.held}

    def written_keys(self) -> set[str]:
        """Return the keys that this transaction has written."""
        return self.held | self.recorded.keys()

    def is_protected(self, key: str) -> bool:
        """Return whether a key needs no hold any more: it is held, or recorded in a savepoint that is still open."""
        if key in self.held or key not in self.recorded:
            return key in self.held
        then = self.recorded[key]
        return self._savepoints()[: len(then)] == then

    def in_savepoint(self) -> bool:
        """Return whether a savepoint is open."""
        return bool(self._savepoints())

    def _savepoints(self) -> tuple[str, ...]:
        return tuple(savepoint for savepoint in connections[self.using].savepoint_ids if savepoint)


def record_pending(using: str, keys: Collection[str]) -> None:
    """Record keys as pending invalidations, after a commit that Redis could not be told of."""
    if not conf().enabled:
        return
    try:
        pending.record(using, keys)
    except Error:
        logger.exception("Neither Redis nor the database can be told of %d written keys.", len(keys))


def _apply_pending(using: str) -> None:
    try:
        pending.apply_pending(using)
    except (*FAILURES, Error) as error:  # the rows stay, and no entry is trusted before they have been applied
        breaker.trip(error)


def hold_keys(using: str, keys: Iterable[str], *, kept: Iterable[str] = ()) -> None:
    """Hold keys for the rest of the current transaction on database `using`; must come before its first write there.

    `kept` keys are id sets, whose members stay for the lift to change. Raises TransactionManagementError outside a
    transaction. Holds nothing while CACHING["ENABLED"] is off.
    """
    _require_transaction(using)
    if not conf().enabled:
        return
    current = _current(using) or _begin(using)
    fresh, fresh_kept = ({key for key in each if not current.is_protected(key)} for each in (keys, kept))
    if fresh or fresh_kept:
        current.hold(fresh, fresh_kept)


def change_set(using: str, key: str, change: int | None, *, limit: int = 0) -> None:
    """Note what was written to a held id set: an id, negative if taken out, or None for an unknown change."""
    (_current(using) or _begin(using)).change_set(key, change, limit)


def joined_to_commit(using: str) -> list[JoinsCommit] | None:
    """Return the list of commands that join the current transaction's lift, to be added to.

    None if there is no such lift, or if the rollback of an open savepoint may yet take back what they would tell.
    """
    current = _current(using)
    return None if current is None or current.in_savepoint() else current.joined


def written_keys(using: str) -> set[str]:
    """Return the keys that the current transaction has written, if there is one."""
    current = _current(using)
    return current.written_keys() if current else set()


@contextlib.contextmanager
def atomic_write(using: str) -> Iterator[None]:
    """Open `atomic()`; lift the holds at once if the write is refused, so that its keys do not stay uncached."""
    connection: Any = connections[using]
    outermost = not connection.in_atomic_block
    refused = False
    if outermost:
        connection.caching_transaction = None
    try:
        with transaction.atomic(using=using, savepoint=False):
            try:
                yield
            except BaseException:
                refused = True
                raise
    except BaseException:
        # A COMMIT that failed may yet take effect: then the holds must stay.
        if outermost and refused and connection.caching_transaction is not None:
            connection.caching_transaction.abandon()
        raise


def _current(using: str) -> WriteTransaction | None:
    """Return the open transaction's writes; its hook waits for the commit, and a rollback throws the hooks away."""
    connection: Any = connections[using]
    current: WriteTransaction | None = getattr(connection, "caching_transaction", None)
    hooks = connection.run_on_commit
    return current if current and hooks and hooks[0][1] is current.hook else None


def is_writing_in_context() -> bool:
    """Return whether a transaction in which this context has written is open still, maybe on another thread's
    connection: async_to_sync() runs a coroutine of a thread that is in a transaction elsewhere."""
    begun = _begun.get()
    if begun is None:
        return False
    connection, current = begun
    hooks = connection.run_on_commit
    return bool(hooks and hooks[0][1] is current.hook)


def _begin(using: str) -> WriteTransaction:
    connection: Any = connections[using]
    current = connection.caching_transaction = WriteTransaction(using)
    _begun.set((connection, current))
    # The first of all hooks, so that the application's own already read the new value, and outside any savepoint:
    # keys that a savepoint wrote may have been held before it as well.
    connection.run_on_commit.insert(0, (set(), current.hook, False))
    return current


def _require_transaction(using: str) -> None:
    if not connections[using].in_atomic_block:
        raise transaction.TransactionManagementError(
            "A cached model is being written outside of a transaction: write it through its own manager and save(), "
            "or inside transaction.atomic()."
        )
