"""Invalidations that Redis could not be told: recorded in the writer's transaction, applied by the first who can."""

from collections.abc import Iterable

from django.db import Error, connections

from .. import registry
from ..models import PendingInvalidation
from ..redis.breaker import breaker
from ..redis.client import FAILURES, round_trip
from .invalidation import discard_under
from .steps import discard

BATCH = 1_000


def record(using: str, keys: Iterable[str]) -> None:
    """Record keys in the current transaction of database `using`, so that they stand or fall with the write itself."""
    rows = [PendingInvalidation(key=key) for key in keys]
    PendingInvalidation.objects.using(using).bulk_create(rows, batch_size=BATCH)


def apply_pending(using: str) -> int:
    """Delete the entries of recorded keys, then their rows; return how many. Safe in any number of processes at once.

    Raises redis.RedisError or OSError when Redis cannot be reached; no row is lost then.
    """
    applied = 0
    pending = PendingInvalidation.objects.using(using)
    while rows := dict(pending.order_by("pk").values_list("pk", "key")[:BATCH]):
        keys = set(rows.values())
        for _ in discard_under([key[:-1] for key in keys if key.endswith("*")]):
            pass
        discard(key for key in keys if not key.endswith("*"))
        pending.filter(pk__in=rows).delete()
        applied += len(rows)
    return applied


def recover() -> bool:
    """Try Redis and apply every pending invalidation; return whether entries may be trusted again.

    Not inside a transaction, whose view of the pending rows may be old.
    """
    aliases = registry.write_aliases()
    if any(connections[alias].in_atomic_block for alias in aliases):
        return False
    try:
        round_trip([("PING",)])
        for alias in aliases:
            apply_pending(alias)
    except (*FAILURES, Error) as error:
        breaker.trip(error)
        return False
    return True


breaker.recover = recover
