"""A lock that serialises the writes of the edges between two users; see docs/decisions/0004-pair-lock.md."""

import zlib
from collections.abc import Iterable

from django.db import connections, router, transaction

from caching.api import is_galera
from social.models import PairLock

STRIPES = 1 << 16

# Locks rows in one statement, whether they exist or not. INSERT IGNORE would take a shared lock on an existing row, and
# two holders of a shared lock who both request an exclusive one are a deadlock.
_LOCK = "INSERT INTO social_pairlock (stripe) VALUES {} ON DUPLICATE KEY UPDATE stripe = stripe"
# In Galera a lock shows on its own node alone. Of two transactions that have written a row, one is refused at its
# COMMIT, and setting a column to its own value writes nothing.
_WRITE = "DELETE FROM social_pairlock WHERE stripe IN ({})"


def lock_pair(first_id: int, second_id: int) -> None:
    """Lock the edges between two users, in both directions, until the end of the current transaction.

    Call this once in a transaction, before the first read that the write depends on. Raises TransactionManagementError
    outside of a transaction.
    """
    lock_pairs([(first_id, second_id)])


def lock_pairs(pairs: Iterable[tuple[int, int]]) -> None:
    """Lock the edges of many pairs, in the order of the locked rows, which prevents deadlocks.

    On Galera, of two transactions on different nodes one is refused at its COMMIT (1213).
    """
    connection = connections[router.db_for_write(PairLock)]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("lock_pair() locks until a commit: call it inside atomic().")
    if not connection.features.has_select_for_update:
        return  # SQLite: the transaction began IMMEDIATE, so no other transaction writes
    stripes = sorted({stripe_of(*pair) for pair in pairs})
    if stripes:
        with connection.cursor() as cursor:
            if is_galera(connection):
                cursor.execute(_WRITE.format(", ".join(["%s"] * len(stripes))), stripes)
            cursor.execute(_LOCK.format(", ".join(["(%s)"] * len(stripes))), stripes)


def stripe_of(first_id: int, second_id: int) -> int:
    """Return the row to lock for a pair, in either order; the pairs of one user spread over all rows."""
    return zlib.crc32(f"{min(first_id, second_id)}:{max(first_id, second_id)}".encode()) % STRIPES
