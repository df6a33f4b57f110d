"""Writes: keys are held from before a transaction's first write until its commit is acknowledged.

The holds of a transaction share one token. A commit lifts them before the application's on_commit() hooks, a rollback
lifts them at once. After a COMMIT that failed they stay, because it may yet take effect: once HOLD_MS have passed,
readers ask the database (caching.connections.undecided).
"""

import contextlib
import logging
import time
from collections.abc import Collection, Iterable, Iterator
from contextvars import ContextVar
from itertools import islice
from typing import Any, Protocol

from django.db import Error, InterfaceError, connections, transaction

from ..conf import conf
from ..connections.following import Following, following, in_transaction
from ..protocol import pending, steps
from ..protocol.agreement import agreement
from ..redis.epochs import epochs
from ..redis.failures import FAILURES, Unavailable
from ..redis.script import Command
from . import held

logger = logging.getLogger(__name__)
_NO_LIMIT = 1 << 62  # of a set that is kept as it is
_begun: ContextVar[Any] = ContextVar("caching_begun", default=None)


class JoinsCommit(Protocol):
    """Commands that wait for a commit, and share the round trip in which Redis is told of it."""

    def commands(self) -> list[Command]:
        """Return the commands to send; called after the commit."""

    def resolve(self, replies: list[Any] | None) -> Any:
        """Take the replies, errors among them as exceptions; None if Redis could not be told, or what was to be told
        may have been rolled back to a savepoint."""


class WriteTransaction:
    """The keys that one outermost transaction has written, and what Redis is to be told after its commit."""

    def __init__(self, using: str, node: str) -> None:
        self.using = using
        self.token = steps.new_token(node)
        self.held: set[str] = set()
        self.kept: set[str] = set()
        self.written: set[str] = set()
        self.recorded: set[str] = set()  # as pending, since the last rollback to a savepoint
        self.sets: dict[str, steps.SetChange | None] = {}  # None: only the database knows the set from now on
        self.joined: list[JoinsCommit] = []
        self._held_since = 0.0
        self._savepoints: dict[str, int] = {}  # by name, how many commands had joined when it began
        self._undone: list[JoinsCommit] = []  # commands that tell of what may have been undone
        self._has_pending = False
        self._epochs = epochs.version  # in which the holds were told to Redis

    def hold(self, keys: set[str], kept: set[str]) -> None:
        """Hold keys, or record them as pending where Redis cannot be told."""
        self._held_since = self._held_since or time.monotonic()
        self.written |= keys | kept
        try:
            untold = steps.hold(keys, self.token, kept=kept)
            held.count(self.using, keys | kept)
        except Unavailable:
            untold = keys | kept
        if untold:
            pending.record(self.using, untold)
            self.recorded |= untold
        self.held |= (keys | kept) - untold
        self.kept |= kept - untold

    def unprotected(self, keys: set[str]) -> set[str]:
        """Return the keys that need a hold."""
        return keys - self.held - self.recorded

    def change_set(self, key: str, change: int | None, limit: int) -> None:
        """Note an id that this transaction has put into a set (negative: taken out), or None for a change unknown."""
        before = self.sets.get(key, steps.SetChange(limit, ()))
        self.sets[key] = None if None in (change, before) else steps.SetChange(limit, (*before.ids, change))  # type: ignore[union-attr, arg-type]

    def keep_sets(self, keys: Iterable[str]) -> None:
        """Note that sets have not been changed, unless they have."""
        for key in keys:
            self.sets.setdefault(key, steps.SetChange(_NO_LIMIT, ()))

    def record(self, keys: Collection[str]) -> None:
        """Record keys as pending, to be applied after the commit."""
        pending.record(self.using, keys)
        self._has_pending = True

    # As TransactionWrites.

    def before_commit(self) -> None:
        """Hold once more what was held for HOLD_MS, or told to a run of Redis that is over: readers may have filled it,
        and will ask the database from now."""
        is_past = time.monotonic() - self._held_since >= conf().hold_ms / 1000
        if self.held and (is_past or self._epochs != epochs.version):
            self._held_since, self._epochs = 0.0, epochs.version
            keys, kept, self.held = self.held - self.kept, self.kept, set()
            self.hold(keys, kept)

    def committed(self) -> None:
        """Lift all holds. What Redis cannot be told now is recorded as pending."""
        joined = [(each, each.commands()) for each in self.joined]
        extra = [command for _, commands in joined for command in commands]
        version = epochs.version
        try:
            not_lifted, answers = steps.lift(self.written, self.token, self._set_changes(), extra)
        except Unavailable:
            record_pending(self.using, self.held)
            for untold in (*self.joined, *self._undone):
                untold.resolve(None)
            return
        if lost := not_lifted & self.held:
            record_pending(self.using, lost)
        replies = iter(answers)
        for each, commands in joined:
            each.resolve(list(islice(replies, len(commands))))
        for each in self._undone:
            each.resolve(None)
        if not agreement.held_since(version):
            record_pending(self.using, self.written)
            self._has_pending = True
        if self._has_pending or self._undone or (self.written > self.held and not not_lifted):
            _apply_pending(self.using)

    def rolled_back(self) -> None:
        """Lift all holds: nothing was written."""
        with contextlib.suppress(Unavailable):
            unchanged = {key: change._replace(ids=()) for key, change in self._set_changes().items()}
            steps.lift(self.held, self.token, unchanged)

    def begin_savepoint(self, name: str) -> None:
        """Note what has joined before a savepoint; its rollback does not undo that."""
        self._savepoints[name] = len(self.joined)

    def lost_track(self, savepoint: str = "") -> None:
        """Forget what was written, as far as it may have been undone: pending rows, changes of sets, commands."""
        self.recorded.clear()
        self.sets = dict.fromkeys(self.sets)
        kept = self._savepoints.get(savepoint, 0)
        self._undone += self.joined[kept:]
        del self.joined[kept:]

    def _set_changes(self) -> dict[str, steps.SetChange]:
        return {key: change for key, change in self.sets.items() if change is not None and key in self.held}


def record_pending(using: str, keys: Collection[str]) -> None:
    """Record keys as pending invalidations, after a commit that Redis could not be told of."""
    if not conf().enabled:
        return
    try:
        with _transaction_of_its_own(using):
            pending.record(using, keys)
    except Error:
        logger.exception("Neither Redis nor the database can be told of %d written keys.", len(keys))


def _apply_pending(using: str) -> None:
    try:
        with _transaction_of_its_own(using):
            pending.apply_pending(using)
    except (*FAILURES, Error) as error:  # the rows stay, and no entry is trusted before they have been applied
        pending.not_applied(error)


@contextlib.contextmanager
def _transaction_of_its_own(using: str) -> Iterator[None]:
    """Commit what the block does, just after a commit: autocommit may not be on again."""
    connection: Any = connections[using]
    try:
        yield
        if in_transaction(connection) and not connection.in_atomic_block:
            connection.commit()
    except Error:
        if in_transaction(connection) and not connection.in_atomic_block:
            connection.rollback()
        raise


def hold_keys(using: str, keys: Iterable[str], *, kept: Iterable[str] = ()) -> None:
    """Hold keys for the rest of the current transaction on database `using`; must come before its first write there.

    `kept` keys are id sets, whose members stay for the lift to change. Raises TransactionManagementError outside a
    transaction. Holds nothing while CACHING["ENABLED"] is off.
    """
    followed = following(using)
    _require_transaction(followed)
    if not conf().enabled:
        return
    current = _writes(followed)
    wanted = set(keys)
    for key in wanted & current.kept:
        current.change_set(key, None, 0)  # what this write does to the set is not known
    fresh, fresh_kept = current.unprotected(wanted), current.unprotected(set(kept))
    if fresh or fresh_kept:
        current.hold(fresh, fresh_kept)


def invalidate_at_commit(using: str, keys: Collection[str]) -> None:
    """Have the entries of keys deleted after the commit of the current transaction, those of "begin*" with all that
    begin so; if Redis cannot be told then, as soon as it can."""
    _writes(following(using)).record(keys)


def change_set(using: str, key: str, change: int | None, *, limit: int = 0) -> None:
    """Note what was written to a held id set: an id, negative if taken out, or None for an unknown change."""
    _writes(following(using)).change_set(key, change, limit)


def keep_sets(using: str, keys: Iterable[str]) -> None:
    """Note that id sets which are held were not changed after all, so that the lift keeps them."""
    if (current := _current(using)) is not None:
        current.keep_sets(keys)


def joined_to_commit(using: str) -> list[JoinsCommit] | None:
    """Return the list of commands that join the current transaction's lift, to be added to.

    None outside of transactions, or if the rollback of an open savepoint may yet take back what they would tell.
    """
    followed = following(using)
    connection = followed.connection
    if any(connection.savepoint_ids) or not in_transaction(connection) or not conf().enabled:
        return None
    return _writes(followed).joined


def written_keys(using: str) -> Collection[str]:
    """Return the keys that the current transaction has written, if there is one."""
    current = _current(using)
    return current.written if current else ()


@contextlib.contextmanager
def atomic_write(using: str) -> Iterator[None]:
    """Open `atomic()` for reads that a write follows; on SQLite, take the lock of writers before them."""
    followed = following(using)
    followed.will_write = True
    with transaction.atomic(using=using, savepoint=False):
        followed.will_write = False
        followed.lock_before_reading()
        yield


def _current(using: str) -> WriteTransaction | None:
    """Return the open transaction's writes."""
    current: WriteTransaction | None = following(using).writes  # type: ignore[assignment]
    return current


def is_writing_in_context() -> bool:
    """Return whether a transaction in which this context has written is open still, maybe on another thread's
    connection: async_to_sync() runs a coroutine of a thread that is in a transaction elsewhere."""
    begun = _begun.get()
    if begun is None:
        return False
    followed, current = begun
    return followed.writes is current


def _writes(followed: Following) -> WriteTransaction:
    """Return the writes of a connection's transaction, which begin here if they have not begun."""
    current: WriteTransaction | None = followed.writes  # type: ignore[assignment]
    if current is None:
        connection = followed.connection
        if connection.closed_in_transaction:
            raise InterfaceError("The connection was closed inside atomic().")  # nothing can be written until its end
        current = followed.writes = WriteTransaction(connection.alias, followed.node)
        _begun.set((followed, current))
    return current


def _require_transaction(followed: Following) -> None:
    if not in_transaction(followed.connection):
        raise transaction.TransactionManagementError(
            "A cached model is being written outside of a transaction: write it through its own manager and save(), "
            "or inside transaction.atomic()."
        )
