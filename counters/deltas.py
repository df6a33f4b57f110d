"""The delta log: append in the writer's transaction, and tell Redis after its commit."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import connections, transaction

from caching import Unavailable, holds

from . import blocks
from .models import Delta

Amounts = Counter[tuple[str, int, str]]
"""{(kind, target id, name): change}"""


def append(using: str, amounts: Amounts) -> None:
    """Insert a row for each change that is not 0; must run in the transaction that changes what is counted."""
    rows = [
        Delta(kind=kind, target_id=target_id, name=name, amount=amount)
        for (kind, target_id, name), amount in amounts.items()
        if amount
    ]
    if not rows:
        return
    if len(rows) == 1 or not connections[using].features.can_return_rows_from_bulk_insert:
        for row in rows:
            row.save(using=using, force_insert=True)  # MySQL does not tell the pks of a multi-row INSERT
    else:
        Delta.objects.using(using).bulk_create(rows)
    _bumps(using).rows.extend(rows)


class Bumps:
    """An on-commit hook: adds the deltas of one transaction (or savepoint) to cached values, in one round trip."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.rows: list[Delta] = []

    def __call__(self) -> None:
        try:
            blocks.bump(self.rows)
        except Unavailable:
            # Redis may come back with what it had, before the roll-up makes everybody read it anew.
            holds.leave_to_others(self.using, blocks.keys_of(self.rows))


def _bumps(using: str) -> Bumps:
    """The hook that waits for the commit of the current savepoint; a rollback takes it away with the rows."""
    connection: Any = connections[using]
    here = set(connection.savepoint_ids)
    for savepoints, hook, _ in reversed(connection.run_on_commit):
        if isinstance(hook, Bumps) and savepoints == here:
            return hook
    bumps = Bumps(using)
    transaction.on_commit(bumps, using=using)
    return bumps


def insert(using: str, rows: Iterable[Delta]) -> None:
    """Append without telling Redis."""
    Delta.objects.using(using).bulk_create(rows, batch_size=1_000)
