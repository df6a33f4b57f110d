"""Invalidations that Redis could not be told: recorded in the writer's transaction, applied by the first who can.

A key that ends in `*` stands for all keys that begin so.
"""

import contextlib
from collections.abc import Iterable

from django.db import Error, NotSupportedError, OperationalError, ProgrammingError, connections, router
from django.db.models import QuerySet

from .. import registry
from ..conf import conf
from ..connections.following import in_transaction, is_missing_table
from ..locations import Address
from ..models import PendingInvalidation
from ..redis.breaker import breaker
from ..redis.client import round_trip
from ..redis.cluster import on_cluster, slot_map
from ..redis.cluster_client import prove
from ..redis.epochs import UnknownRun
from ..redis.failures import FAILURES, Unavailable, without_errors
from ..redis.proofs import proofs
from .agreement import Superseded, agreement
from .invalidation import discard_under
from .steps import discard

BATCH = 1_000


def record(using: str, keys: Iterable[str]) -> None:
    """Record keys in the current transaction of database `using`, so that they stand or fall with the write itself.

    Raises NotSupportedError where the database has no table for it.
    """
    rows = [PendingInvalidation(key=key) for key in keys]
    try:
        PendingInvalidation.objects.using(using).bulk_create(rows, batch_size=BATCH)
    except (OperationalError, ProgrammingError) as error:
        if not is_missing_table(error):
            raise
        raise NotSupportedError(
            f"Redis cannot be told of this write, and the database {using!r} has no table to remember it in: "
            f"run `manage.py migrate caching --database {using}`, and let the router allow it."
        ) from error


def apply_pending(using: str) -> int:
    """Delete the entries of recorded keys, then their rows; return how many. Safe in any number of processes at once.

    Rows that a server of a cluster cannot be told of stay, while the others are applied. Raises redis.RedisError or
    OSError when Redis cannot be reached at all; no row is lost then.
    """
    applied = last = 0
    pending = PendingInvalidation.objects.using(using)
    while rows := dict(pending.filter(pk__gt=last).order_by("pk").values_list("pk", "key")[:BATCH]):
        untold = _discard(set(rows.values()))
        done = [pk for pk, key in rows.items() if key not in untold]
        if done:
            pending.filter(pk__in=done).delete()
        applied, last = applied + len(done), max(rows)
    return applied


def _discard(recorded: set[str]) -> set[str]:
    """Delete the entries of recorded keys; return those whose entries may be there still."""
    begins = {key for key in recorded if key.endswith("*")}
    untold: set[str] = set()
    try:
        for _ in discard_under([key[:-1] for key in begins]):
            pass
    except Unavailable:
        untold = begins
    return untold | discard(recorded - begins)


def apply_everywhere() -> int:
    """Apply what is pending in every database that may have the table; return how many rows.

    Databases that cannot be read are passed over, but for those that cached models are written to (django.db.Error).
    """
    written = registry.write_aliases()
    return sum(_apply_in(alias, ignored=() if alias in written else (Exception,)) for alias in _aliases(written))


def apply_waiting() -> int:
    """Apply what is pending if the cache is in use, as apply_everywhere() does; return how many rows."""
    return apply_everywhere() if conf().enabled else 0


def waiting_invalidations() -> QuerySet[PendingInvalidation]:
    """Return the rows of pending invalidations in the database that most cached models are written to."""
    return PendingInvalidation.objects.using(router.db_for_write(PendingInvalidation))


def _apply_in(alias: str, *, ignored: tuple[type[Exception], ...]) -> int:
    try:
        return apply_pending(alias)
    except FAILURES:
        raise
    except (OperationalError, ProgrammingError) as error:
        if not ignored and not is_missing_table(error):
            raise
    except ignored:
        pass
    return 0


def _aliases(written: Iterable[str]) -> list[str]:
    """Return `written` and the databases in which the table may be, those of tenants for example."""
    allowed = (alias for alias in connections if router.allow_migrate_model(alias, PendingInvalidation))
    return list(dict.fromkeys([*written, *allowed]))


def not_applied(error: Exception) -> None:
    """Open the circuit breaker: no entry is trusted before what is pending has been applied.

    If a server of a cluster has changed meanwhile, its own breaker is open, and the next look applies the rows.
    """
    if not (isinstance(error, Superseded) and on_cluster()):
        breaker.trip(error)


def recover(server: Address | None = None) -> bool:
    """Prove that Redis, or one server of a cluster, takes writes, and apply every pending invalidation; return whether
    entries may be trusted again.

    Not inside a transaction, whose view of the pending rows may be old: see `needs_thread`.
    """
    try:
        try:
            _prove(server)
        except UnknownRun:  # now it is known
            _prove(server)
        agreement.agree(server)
        apply_everywhere()
    except (*FAILURES, Error) as error:
        (breaker.of(server) if server else breaker).trip(error)
        return False
    return True


def _prove(server: Address | None) -> None:
    if server is None:
        without_errors(round_trip(proofs.commands()))
    else:
        prove(server)


def needs_thread() -> bool:
    """Return whether this thread is in a transaction, so that another has to recover."""
    return any(in_transaction(connections[alias]) for alias in registry.write_aliases())


def close_connections() -> None:
    """Close the calling thread's connections to databases that are older than CONN_MAX_AGE."""
    for connection in connections.all(initialized_only=True):
        with contextlib.suppress(Error):
            connection.close_if_unusable_or_obsolete()


def servers() -> tuple[Address, ...]:
    """Return the servers of a cluster that have slots; none where there is one Redis, or no server tells."""
    if not on_cluster():
        return ()
    with contextlib.suppress(*FAILURES):
        slot_map().learn()
    return slot_map().nodes


breaker.recover, breaker.needs_thread, breaker.leave_thread = recover, needs_thread, connections.close_all
breaker.servers = servers
