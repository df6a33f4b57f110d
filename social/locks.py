"""One writer at a time for the edges of a pair; see docs/decisions/0004-pair-lock.md."""

import zlib

from django.db import connections, router, transaction

from social.models import PairLock

STRIPES = 1 << 16

# Locks the row whether it is there or not, in one statement; INSERT IGNORE would take a shared lock on a row that is
# there, and two holders of one who both ask for more are a deadlock.
_LOCK = "INSERT INTO social_pairlock (stripe) VALUES (%s) ON DUPLICATE KEY UPDATE stripe = stripe"


def lock_pair(one_id: int, other_id: int) -> None:
    """Until the end of the current transaction nobody else writes edges of these two, in whichever direction.

    Call it before the first read that the write depends on, once in a transaction. Raises TransactionManagementError
    outside of one.
    """
    connection = connections[router.db_for_write(PairLock)]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("lock_pair() locks until a commit: call it inside atomic().")
    if not connection.features.has_select_for_update:
        return  # SQLite: the transaction began IMMEDIATE, so it is the only one that writes
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [stripe_of(one_id, other_id)])


def stripe_of(one_id: int, other_id: int) -> int:
    """The same for both orders; followers of one user spread over all stripes."""
    return zlib.crc32(f"{min(one_id, other_id)}:{max(one_id, other_id)}".encode()) % STRIPES
