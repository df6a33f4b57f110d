"""The delta log: deltas are inserted in the writer's transaction, and added to cached values after its commit."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import connections, transaction
from django.utils import timezone

from caching.api import Unavailable
from caching.extend import Command, breaker, execute, joined_to_commit, record_pending
from counters import blocks
from counters.blocks import LoggedDelta
from counters.models import Delta

Amounts = Counter[tuple[str, int, str]]
"""The change of each counter, by (kind, target id, name)."""


def append_deltas(using: str, amounts: Amounts) -> None:
    """Insert a delta for each change that is not 0; must run in the transaction that writes the counted rows."""
    changes = [(*counter, amount) for counter, amount in amounts.items() if amount]
    if changes:
        pks = _insert_returning_pks(using, changes)
        _increments(using).rows.extend(LoggedDelta(pk, *change) for pk, change in zip(pks, changes, strict=True))


def _insert_returning_pks(using: str, changes: list[tuple[str, int, str, int]]) -> list[int]:
    """Insert deltas; return their pks. In plain SQL: building the statement by the ORM would take most of the time."""
    connection = connections[using]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        if connection.features.can_return_rows_from_bulk_insert:
            placeholders = ", ".join([_PLACEHOLDERS] * len(changes))
            values = [value for change in changes for value in (*change, now)]
            cursor.execute(f"{_INSERT} {placeholders} RETURNING id", values)
            return [pk for (pk,) in cursor.fetchall()]
        return [_insert_one(cursor, (*change, now)) for change in changes]  # MySQL returns the id of one row only


def _insert_one(cursor: Any, row: tuple[Any, ...]) -> int:
    cursor.execute(f"{_INSERT} {_PLACEHOLDERS}", row)
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
        """Record the keys as pending invalidations if Redis could not be used (`replies` is None).

        An entry that is missing, or that another version of the code wrote, needs no addition.
        """
        if replies is None:
            # Redis may return with its old values, before the roll-up invalidates them.
            record_pending(self.using, blocks.keys_of(self.rows))


def _increments(using: str) -> CacheIncrements:
    """Return the increments of the current savepoint, sent after the commit; a rollback drops them with the rows."""
    connection: Any = connections[using]
    joined = joined_to_commit(using)
    here = set(connection.savepoint_ids)
    hooks = (hook for savepoints, hook, _ in reversed(connection.run_on_commit) if savepoints == here)
    for each in hooks if joined is None else joined:
        if isinstance(each, CacheIncrements):
            return each
    increments = CacheIncrements(using)
    if joined is None:
        transaction.on_commit(increments, using=using)
    else:
        joined.append(increments)
    return increments


def insert(using: str, rows: Iterable[Delta]) -> None:
    """Insert deltas without adding them to cached values."""
    Delta.objects.using(using).bulk_create(rows, batch_size=1_000)
