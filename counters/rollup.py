"""The roll-up: moves deltas from the log into the counters, in any number of processes at once."""

import json
from collections import Counter as Sums
from typing import Any

from django.db import connections
from django.db.models import QuerySet

from caching.api import atomic_write, hold_keys
from counters import blocks, queries
from counters.models import Counter, Delta
from counters.upserts import upsert

_KEY = ("kind", "target_id", "name")
CHUNK = 5_000  # more deltas per second than one target receives, so that its row is written once per second


def roll_up_chunk() -> int:
    """Roll up the oldest deltas, at most CHUNK, that no other process is rolling up; return their number.

    One transaction adds them to the counters and deletes exactly them. It holds the cached values for its commit, so
    that they are read again afterwards; if the process dies, the holds expire.
    """
    using = queries.database()
    if not Delta.objects.using(using).exists():
        return 0  # a transaction would lock all of SQLite
    with atomic_write(using):
        rows = _oldest(using)
        if rows:
            changed = _add(using, rows)
            _delete(using, [row.pk for row in rows])
            # The holds come last, because a roll-up changes no value, only where it is stored: entries that are read or
            # filled meanwhile are right. Under a hold all readers query the database, which would slow the roll-up.
            hold_keys(using, {blocks.key(blocks.block_of(kind, target_id)) for kind, target_id in changed})
    return len(rows)


def step() -> bool:
    """Roll up a chunk of deltas; return whether more are likely to wait."""
    return roll_up_chunk() == CHUNK


def waiting_deltas() -> QuerySet[Delta]:
    """Return the deltas that are not rolled up yet."""
    return Delta.objects.using(queries.database())


def roll_up_all() -> int:
    """Roll up until no delta is left to this process; return the number of deltas."""
    total = 0
    while rolled_up := roll_up_chunk():
        total += rolled_up
    return total


def _oldest(using: str) -> list[Any]:
    """Lock the oldest deltas and return their columns; instances would take several times the memory."""
    skip = connections[using].features.has_select_for_update_skip_locked
    rows = Delta.objects.using(using).select_for_update(skip_locked=skip).order_by("pk")
    return list(rows.values_list("pk", *_KEY, "amount", named=True)[:CHUNK])


def _add(using: str, rows: list[Any]) -> set[tuple[str, int]]:
    """Add deltas, ordered by pk, to the counters; return their targets.

    One upsert in one order, so that two processes wait for each other instead of deadlocking.
    """
    amounts: Sums[tuple[str, int, str]] = Sums()
    newest: dict[Any, int] = {}
    for row in rows:
        counter = (row.kind, row.target_id, row.name)
        amounts[counter] += row.amount
        newest[counter] = row.pk
    values = [(*counter, amounts[counter], newest[counter]) for counter in sorted(amounts)]
    upsert(using, Counter, _KEY, {"value": "add", "last_delta_id": "latest"}, values)
    return {(kind, target_id) for kind, target_id, _ in amounts}


def _delete(using: str, pks: list[int]) -> None:
    if connections[using].vendor == "mysql":
        with connections[using].cursor() as cursor:
            cursor.execute(_DELETE_ONE_BY_ONE, [json.dumps(pks)])
            deleted = cursor.rowcount
    else:
        deleted, _ = Delta.objects.using(using).filter(pk__in=pks).delete()
    if deleted != len(pks):
        raise RuntimeError(f"{len(pks) - deleted} deltas were rolled up by another process: nothing is changed.")


# For many ids of a short table, "IN (…)" reads all of it, whatever index is named, and waits for every delta there that
# a writer has not committed yet. A join in a given order looks each id up.
_DELETE_ONE_BY_ONE = """DELETE counters_delta
FROM JSON_TABLE(%s, '$[*]' COLUMNS (id BIGINT PATH '$')) AS folded
STRAIGHT_JOIN counters_delta ON counters_delta.id = folded.id"""
