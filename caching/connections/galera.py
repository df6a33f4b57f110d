"""Galera: each session reads what other nodes have committed before.

A node answers a COMMIT once all nodes have received it; the others apply it a moment later. A reader on one of them
would load the old value after the writer's hold was lifted, and the cache would keep it. So each connection to a node
sets wsrep_sync_wait: a statement outside of a transaction, and BEGIN, first wait until everything that the cluster has
committed is applied here. The server limits that wait (repl.causal_read_timeout), after which the statement fails.
"""

import hashlib
import re
from typing import Any

from django.db import DatabaseError, OperationalError, connections
from django.db.models import F, QuerySet

from .failures import NOT_READY

CAUSAL = 7
"""Of wsrep_sync_wait: reads and BEGIN (1), UPDATE and DELETE (2), INSERT and REPLACE (4)."""

MARK, MARK_LENGTH = "g", 5
"""A mark is this letter, which is no hexadecimal digit, and four of those."""
DEFAULT_WAIT_MS = 30_000
_LONGEST_WAIT = re.compile(r"repl\.causal_read_timeout\s*=\s*([^\s;]+)")
_UNITS_S = (86_400, 3_600, 60, 1)
_PERIOD = re.compile(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")

_known: dict[tuple[Any, ...], bool] = {}
"""By alias, and address of a server or load balancer, whether Galera is behind it."""


def is_galera(connection: Any) -> bool:
    """Return whether a connection leads to a node of a Galera cluster; the server is asked once in a process."""
    if connection.vendor != "mysql":
        return False
    settings = connection.settings_dict
    address = connection.alias, settings["HOST"], settings["PORT"]
    if address not in _known:
        connection.ensure_connection()
        _known[address] = _ask(connection)
    return _known[address]


def read_causally(connection: Any) -> str:
    """Let the session of a new connection wait for what other nodes have committed, if it is one to Galera.

    Return the mark of the node, "" for another server. A connection that cannot be used is closed (DatabaseError).
    """
    try:
        return _begin_session(connection) if is_galera(connection) else ""
    except DatabaseError:
        connection.close()
        raise


def _begin_session(connection: Any) -> str:
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(f"SET SESSION wsrep_sync_wait = @@wsrep_sync_wait | {CAUSAL}")
        cursor.execute("SHOW STATUS LIKE 'wsrep_gcomm_uuid'")
        found = cursor.fetchone()
    if found is None:
        raise OperationalError(NOT_READY, "The node is leaving its cluster.")
    return _mark(found[1])


def lock_on_all_nodes(rows: QuerySet[Any], column: str) -> None:
    """On Galera, have the COMMIT refused (1213) if a transaction on another node has the lock of these rows, too.

    For rows that are locked in a transaction to protect others. A lock shows on its own node alone; of two transactions
    that have written a row, one is refused. An integer column is changed, and changed back, unless there is no row yet:
    one that is made meanwhile must not be changed by half of that.
    """
    if is_galera(connections[rows.db]) and rows.update(**{column: F(column) + 1}):
        rows.update(**{column: F(column) - 1})


def members(connection: Any) -> set[str]:
    """Return the marks of all nodes of the cluster; raises DatabaseError if the account may not read them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT node_uuid FROM mysql.wsrep_cluster_members")
        return {_mark(uuid) for (uuid,) in cursor.fetchall()}


def _mark(uuid: str) -> str:
    """Return how tokens name a node; a server that is started again is another node."""
    return MARK + hashlib.blake2b(uuid.encode(), digest_size=(MARK_LENGTH - 1) // 2).hexdigest()


def longest_wait_ms(connection: Any) -> int:
    """Return how long a node lets a read wait for what others have committed, by its provider's options."""
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute("SELECT @@wsrep_provider_options")
        (options,) = cursor.fetchone()
    found = _LONGEST_WAIT.search(options)
    return parse_period_ms(found[1]) if found else DEFAULT_WAIT_MS


def parse_period_ms(period: str) -> int:
    """Return the length of a period of Galera's options, such as PT2.5S, PT1M or P1DT1H."""
    found = _PERIOD.fullmatch(period)
    amounts = found.groups(default="0") if found else ()
    return round(1000 * sum(float(each) * unit_s for each, unit_s in zip(amounts, _UNITS_S, strict=False)))


def _ask(connection: Any) -> bool:
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:  # none of the application's queries
        # Without a cluster, the variable is OFF, or unknown.
        cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")
        found = cursor.fetchone()
    return found is not None and found[1] == "ON"
