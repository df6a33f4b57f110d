"""The delta log: deltas are inserted in the writer's transaction, and added to cached values after its commit."""

from collections import Counter as Sums
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.db import connections, transaction
from django.utils import timezone

from caching.api import Unavailable, atomic_write, hold_keys
from caching.extend import Command, breaker, execute, joined_to_commit, record_pending
from counters import blocks
from counters.blocks import LoggedDelta
from counters.models import Counter, Delta

FEW = 20
"""Deltas that are inserted one by one where the database does not tell the ids of several."""

Amounts = Sums[tuple[str, int, str]]
"""The change of each counter, by (kind, target id, name)."""
Change = tuple[str, int, str, int]
"""(kind, target id, name, amount)."""


def append_deltas(using: str, amounts: Amounts) -> None:
    """Insert a delta for each change that is not 0; must run in the transaction that writes the counted rows."""
    changes = [(*counter, amount) for counter, amount in amounts.items() if amount]
    if not changes:
        return
    connection: Any = connections[using]
    if connection.features.can_return_rows_from_bulk_insert:
        pks = _insert_all(connection, changes, returning="RETURNING id")
    elif len(changes) <= FEW:  # MySQL returns the id of one row only
        pks = [_insert_one(connection, change) for change in changes]
    else:
        # Cached values take no delta whose id is not known: they are read again after the commit.
        hold_keys(using, {blocks.key(blocks.block_of(kind, target_id)) for kind, target_id, *_ in changes})
        _insert_all(connection, changes, returning="")
        return
    _increments(connection).rows += [LoggedDelta(pk, *change) for pk, change in zip(pks, changes, strict=True)]


def _insert_all(connection: Any, changes: list[Change], *, returning: str) -> list[int]:
    """Insert deltas by one statement; return their pks if it returns any.

    In plain SQL: building the statement by the ORM would take most of the time.
    """
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    places = ", ".join([_PLACEHOLDERS] * len(changes))
    with connection.cursor() as cursor:
        cursor.execute(f"{_INSERT} {places} {returning}", [value for change in changes for value in (*change, now)])
        return [pk for (pk,) in cursor.fetchall()] if returning else []


def _insert_one(connection: Any, change: Change) -> int:
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(f"{_INSERT} {_PLACEHOLDERS}", (*change, now))
        return int(cursor.lastrowid)


_INSERT = "INSERT INTO counters_delta (kind, target_id, name, amount, created_at) VALUES"
_PLACEHOLDERS = "(%s, %s, %s, %s, %s)"


class CacheIncrements:
    """The additions of one transaction (or savepoint) to cached values, sent after its commit: in the round trip of the
    lift if there is one, else as an on-commit hook with a round trip of its own."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.rows: list[LoggedDelta] = []

    def __call__(self) -> None:
        commands = self.commands()
        try:
            execute(commands, allowed=breaker.may_write, optional=len(commands))
        except Unavailable:
            self.resolve(None)

    def commands(self) -> list[Command]:
        """Return the commands that add the deltas."""
        return blocks.increment_commands(self.rows)

    def resolve(self, replies: list[Any] | None) -> None:
        """Record the keys as pending invalidations if Redis, or some server of a cluster, could not be used.

        An entry that is missing, or that another version of the code wrote, needs no addition.
        """
        if replies is None or any(isinstance(reply, Unavailable) for reply in replies):
            # Redis may return with its old values, before the roll-up invalidates them.
            record_pending(self.using, blocks.keys_of(self.rows))


def _increments(connection: Any) -> CacheIncrements:
    """Return the increments of the current savepoint, sent after the commit; a rollback drops them with the rows."""
    using = connection.alias
    joined = joined_to_commit(using)
    for each in _hooks(connection) if joined is None else joined:
        if isinstance(each, CacheIncrements):
            return each
    increments = CacheIncrements(using)
    if joined is None:
        transaction.on_commit(increments, using=using)
    else:
        joined.append(increments)
    return increments


def _hooks(connection: Any) -> Iterator[Any]:
    """Yield the on-commit hooks of the current savepoint, the newest first."""
    here = set(connection.savepoint_ids)
    return (hook for savepoints, hook, _ in reversed(connection.run_on_commit) if savepoints == here)


def insert(using: str, rows: Iterable[Delta]) -> None:
    """Insert deltas without adding them to cached values."""
    Delta.objects.using(using).bulk_create(rows, batch_size=1_000)


def forget_targets(using: str, kind: str, target_ids: Collection[int]) -> None:
    """Delete the counters of targets that are gone, with their pending deltas, in one transaction.

    Call it when no counted row refers to the targets, nor can any more: in the transaction that deletes them.
    """
    with atomic_write(using):
        hold_keys(using, {blocks.key(blocks.block_of(kind, target_id)) for target_id in target_ids})
        # The deltas first: a roll-up that is adding them holds their locks until it has written the counters.
        for model in (Delta, Counter):
            model.objects.using(using).filter(kind=kind, target_id__in=target_ids).delete()
