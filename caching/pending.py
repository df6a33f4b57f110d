"""Invalidations that Redis could not be told: written in the writer's transaction, applied by whoever comes first."""

from collections.abc import Iterable

from caching.connection import Script, by_slot, round_trip
from caching.models import PendingInvalidation

BATCH = 1_000

_lift = Script.named("lift")


def remember(using: str, keys: Iterable[str]) -> None:
    """Record keys in the current transaction of database `using`, so that they stand or fall with the write itself."""
    rows = [PendingInvalidation(key=key) for key in keys]
    PendingInvalidation.objects.using(using).bulk_create(rows, batch_size=BATCH)


def drain(using: str) -> int:
    """Delete the remembered keys, then their rows; returns how many. Safe in any number of processes at once.

    Raises redis.RedisError or OSError when Redis cannot be reached; no row is lost then.
    """
    drained = 0
    pending = PendingInvalidation.objects.using(using)
    while rows := dict(pending.order_by("pk").values_list("pk", "key")[:BATCH]):
        discard(set(rows.values()))
        pending.filter(pk__in=rows).delete()
        drained += len(rows)
    return drained


def discard(keys: Iterable[str]) -> None:
    """Delete entries, but not the holds of writers still at work: their own lift will delete the entry."""
    for reply in round_trip([_lift.command(group, ["-" * 16]) for group in by_slot(keys)]):
        if isinstance(reply, Exception):
            raise reply
