"""What the errors of a database tell: whether it has undone the work, and whether the work is worth repeating."""

from django.db import Error, IntegrityError, InterfaceError, ProgrammingError

# Numbers of MySQL and MariaDB.
NOT_READY = 1047
"""The node has lost its Galera cluster, or has not joined it yet: it refuses each statement before it does anything."""
NO_CAUSAL_READS = 1235
"""The node is leaving its Galera cluster: it refuses each statement that would have to wait for the others."""
REFERRED = {1216, 1217, 1451, 1452}
"""A row refers to another one that is not there. It was deleted or inserted meanwhile, which the next attempt sees, or
its table is just being replaced by a copy (ALTER TABLE): InnoDB then takes it for missing, for some milliseconds."""
UNDONE = {
    *REFERRED,
    1020,  # the record has changed since it was read
    1146,  # no such table: it is just being swapped for another one
    1412,  # the table was changed since the transaction began
    NOT_READY,
    NO_CAUSAL_READS,
    1213,  # a deadlock; in Galera also a write that another node's write was ahead of, which the COMMIT tells as well
    3101,  # the same in MySQL's group replication
}
LOST = {
    1053,  # the server shuts down
    1180,  # Galera: the node lost its cluster during the COMMIT
    1927,  # the connection was killed
    2002, 2003, 2006, 2013, 2055,  # no server, or no connection to it any more
}  # fmt: skip


def number_of(error: BaseException) -> int | None:
    """Return MySQL's number of an error; None if it has none."""
    number = error.args[0] if error.args else None
    return number if isinstance(number, int) else None


def is_undone(error: BaseException) -> bool:
    """Return whether the statement that failed has changed nothing, also if it was a COMMIT."""
    return isinstance(error, IntegrityError | ProgrammingError) or number_of(error) in UNDONE


def is_lost(error: BaseException) -> bool:
    """Return whether the connection is lost; a COMMIT or statement that was under way may have taken effect."""
    return isinstance(error, InterfaceError) or number_of(error) in LOST


def is_of_no_use(error: BaseException) -> bool:
    """Return whether the connection is lost, or leads to a node that does not take part in its cluster."""
    return is_lost(error) or number_of(error) in {NOT_READY, NO_CAUSAL_READS}


def is_passing(error: BaseException) -> bool:
    """Return whether the same work may succeed if it is done once more.

    A lock that was not free in time (1205) is not among it: whoever repeats that waits once more for as long.
    """
    return isinstance(error, Error) and (number_of(error) in UNDONE or is_lost(error))
