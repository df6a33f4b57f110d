"""One writer at a time for the edges of a pair; see docs/decisions/0004-pair-lock.md."""

import zlib
from collections.abc import Iterable

from django.db import connections, router, transaction

from social.models import PairLock

STRIPES = 1 << 16

# Locks rows whether they are there or not, in one statement; INSERT IGNORE would take a shared lock on a row that is
# there, and two holders of one who both ask for more are a deadlock.
_LOCK = "INSERT INTO social_pairlock (stripe) VALUES {} ON DUPLICATE KEY UPDATE stripe = stripe"


def lock_pair(one_id: int, other_id: int) -> None:
    """Until the end of the current transaction nobody else writes edges of these two, in whichever direction.

    Call it before the first read that the write depends on, once in a transaction. Raises TransactionManagementError
    outside of one.
    """
    lock_pairs([(one_id, other_id)])


def lock_pairs(pairs: Iterable[tuple[int, int]]) -> None:
    """The same for many pairs; always in the order of their rows, so that no two can wait for each other."""
    connection = connections[router.db_for_write(PairLock)]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("lock_pair() locks until a commit: call it inside atomic().")
    if not connection.features.has_select_for_update:
        return  # SQLite: the transaction began IMMEDIATE, so it is the only one that writes
    stripes = sorted({stripe_of(*pair) for pair in pairs})
    if stripes:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK.format(", ".join(["(%s)"] * len(stripes))), stripes)


def stripe_of(one_id: int, other_id: int) -> int:
    """The same for both orders; followers of one user spread over all stripes."""
    return zlib.crc32(f"{min(one_id, other_id)}:{max(one_id, other_id)}".encode()) % STRIPES
