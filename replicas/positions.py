"""Positions in the writer's stream of transactions: what it has committed, and whether a replica has it (GTIDs).

A position tells more than a lag in seconds, which is 0 or NULL where a replica's threads have stopped, or wait for each
other: a replica that has a position has every transaction that was acknowledged before the position was read.
"""

import time
from typing import Any

POLL_S = 0.005
# A server that has stopped to write a binary log, or GTIDs, may keep the last position that it had.
_MARIADB = "SELECT IF(@@log_bin, @@gtid_binlog_pos, '')"
_MYSQL = "SELECT IF(@@GLOBAL.gtid_mode = 'ON', @@GLOBAL.gtid_executed, '')"


def committed(writer: Any) -> str:
    """Return up to where the writer has committed; "" if it does not tell, without a binary log or without GTIDs."""
    return str(_value(writer, _MARIADB if writer.mysql_is_mariadb else _MYSQL) or "")


def has_applied(replica: Any, position: str, wait_s: float) -> bool:
    """Return whether a replica has all transactions of a position, which it may take `wait_s` seconds to apply."""
    if replica.mysql_is_mariadb:
        return bool(_value(replica, "SELECT MASTER_GTID_WAIT(%s, %s) = 0", position, wait_s))
    deadline = time.monotonic() + wait_s  # MySQL's function waits for whole seconds
    while not (applied := _value(replica, "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", position)):
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL_S)
    return bool(applied)


def _value(connection: Any, sql: str, *args: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchone()[0]
