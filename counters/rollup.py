"""Folding deltas into counters, in any number of processes at once."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from django.db import connections

from caching.api import atomic_write, hold_keys
from counters import blocks, queries
from counters.models import Counter, Delta
from counters.upserts import upsert

_KEY = ("kind", "target_id", "name")
CHUNK = 5_000  # more deltas a second than one item gets, which is then written once a second


class Folded(NamedTuple):
    amount: int = 0
    newest: int = 0


def fold() -> int:
    """Fold the oldest deltas, at most CHUNK, that no other process is folding; returns how many.

    One transaction adds them up and deletes exactly them. The cached values are held for its commit, so that whoever
    reads next reads them anew; a process that dies then leaves holds that expire.
    """
    using = queries.database()
    if not Delta.objects.using(using).exists():
        return 0  # a transaction would lock all of SQLite
    with atomic_write(using):
        rows = list(_oldest(using))
        if rows:
            folded = _added_up(rows)
            _add(using, folded)
            _delete(using, [row.pk for row in rows])
            # So late because a fold changes no value, only where it is kept: what is read or filled meanwhile is right.
            # Under a hold everybody who reads counts asks the database, which is then too busy for the fold itself.
            blocks_of_rows = {blocks.block_of(kind, target_id) for kind, target_id, _ in folded}
            hold_keys(using, {blocks.key(block) for block in blocks_of_rows})
    return len(rows)


def fold_all() -> int:
    """Fold until nothing is left to this process; returns how many deltas."""
    total = 0
    while folded := fold():
        total += folded
    return total


def _oldest(using: str) -> list[Delta]:
    skip = connections[using].features.has_select_for_update_skip_locked
    return list(Delta.objects.using(using).select_for_update(skip_locked=skip).order_by("pk")[:CHUNK])


def _added_up(rows: list[Delta]) -> dict[tuple[str, int, str], Folded]:
    folded: dict[tuple[str, int, str], Folded] = {}
    for row in rows:
        counter = (row.kind, row.target_id, row.name)
        amount, newest = folded.get(counter, Folded())
        folded[counter] = Folded(amount + row.amount, max(newest, row.pk))
    return folded


def _add(using: str, folded: Mapping[tuple[str, int, str], Folded]) -> None:
    """Make one upsert of all, in one order, so that two processes wait for each other rather than deadlock."""
    rows = [(*counter, *folded[counter]) for counter in sorted(folded)]
    upsert(connections[using], Counter, _KEY, {"value": "add", "last_delta_id": "latest"}, rows)


def _delete(using: str, pks: list[int]) -> None:
    if connections[using].vendor == "mysql":
        with connections[using].cursor() as cursor:
            cursor.execute(_DELETE_ONE_BY_ONE, [json.dumps(pks)])
            deleted = cursor.rowcount
    else:
        deleted, _ = Delta.objects.using(using).filter(pk__in=pks).delete()
    if deleted != len(pks):
        raise RuntimeError(f"{len(pks) - deleted} deltas were folded by somebody else meanwhile: nothing is changed.")


# For many ids of a short table, "IN (…)" reads all of it, whatever index is named, and waits for every delta there that
# a writer has not committed yet. A join in a given order looks each id up.
_DELETE_ONE_BY_ONE = """DELETE counters_delta
FROM JSON_TABLE(%s, '$[*]' COLUMNS (id BIGINT PATH '$')) AS folded
STRAIGHT_JOIN counters_delta ON counters_delta.id = folded.id"""
