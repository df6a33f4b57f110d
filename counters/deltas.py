"""The delta log: append in the writer's transaction, and tell Redis after its commit."""

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
"""{(kind, target id, name): change}"""


def append_deltas(using: str, amounts: Amounts) -> None:
    """Insert a row for each change that is not 0; must run in the transaction that changes what is counted."""
    changes = [(*counter, amount) for counter, amount in amounts.items() if amount]
    if changes:
        pks = _inserted(using, changes)
        _increments(using).rows.extend(LoggedDelta(pk, *change) for pk, change in zip(pks, changes, strict=True))


def _inserted(using: str, changes: list[tuple[str, int, str, int]]) -> list[int]:
    """The pks of the rows. The statement is written out: the ORM takes longer to put it together than all the rest."""
    connection = connections[using]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        if connection.features.can_return_rows_from_bulk_insert:
            places = ", ".join([_PLACES] * len(changes))
            cursor.execute(f"{_INSERT} {places} RETURNING id", [each for change in changes for each in (*change, now)])
            return [pk for (pk,) in cursor.fetchall()]
        return [_inserted_id(cursor, (*change, now)) for change in changes]  # MySQL tells of one row at a time


def _inserted_id(cursor: Any, row: tuple[Any, ...]) -> int:
    cursor.execute(f"{_INSERT} {_PLACES}", row)
    return int(cursor.lastrowid)


_INSERT = "INSERT INTO counters_delta (kind, target_id, name, amount, created_at) VALUES"
_PLACES = "(%s, %s, %s, %s, %s)"


class CacheIncrements:
    """Adds the deltas of one transaction (or savepoint) to cached values: after the commit, in the round trip of the
    lift if there is one, else as a hook in one of its own."""

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
        return blocks.increment_commands(self.rows)

    def resolve(self, replies: list[Any] | None) -> None:
        """Nothing is done about an entry that could not be bumped: it was of another version, or none."""
        if replies is None:
            # Redis may come back with what it had, before the roll-up makes everybody read it anew.
            record_pending(self.using, blocks.keys_of(self.rows))


def _increments(using: str) -> CacheIncrements:
    """Those that wait for the commit of the current savepoint; a rollback takes them away with the rows."""
    joined = joined_to_commit(using)
    if joined is None:
        return _hooked(using)
    for each in joined:
        if isinstance(each, CacheIncrements):
            return each
    bumps = CacheIncrements(using)
    joined.append(bumps)
    return bumps


def _hooked(using: str) -> CacheIncrements:
    connection: Any = connections[using]
    here = set(connection.savepoint_ids)
    for savepoints, hook, _ in reversed(connection.run_on_commit):
        if isinstance(hook, CacheIncrements) and savepoints == here:
            return hook
    bumps = CacheIncrements(using)
    transaction.on_commit(bumps, using=using)
    return bumps


def insert(using: str, rows: Iterable[Delta]) -> None:
    """Append without telling Redis."""
    Delta.objects.using(using).bulk_create(rows, batch_size=1_000)
