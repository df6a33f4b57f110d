"""Who waited for a row's lock while a block ran, by InnoDB's own account."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

POLL_S = 0.01
_WAITING = re.compile(r"TRX HAS BEEN WAITING [^\n]*\n(RECORD LOCKS [^\n]* of table `\w+`\.`(\w+)` trx id (\d+)[^\n]*)")


class Waits:
    """`total`: InnoDB's count of the whole server's waits. `seen`: by table, those that lasted long enough to be met
    by one of the looks at its monitor, of which there is one in every POLL_S."""

    def __init__(self) -> None:
        self.total = 0
        self.seen: Counter[str] = Counter()


@contextmanager
def watched(connection: Any) -> Iterator[Waits]:
    """`connection` to the database is used by nobody else meanwhile. The counts are there when the block has ended."""
    waits, over = Waits(), threading.Event()
    before = _total(connection)
    looking = threading.Thread(target=_look, args=(connection, over, waits))
    looking.start()
    try:
        yield waits
    finally:
        over.set()
        looking.join()
        waits.total = _total(connection) - before


def _look(connection: Any, over: threading.Event, waits: Waits) -> None:
    met: set[str] = set()
    while not over.wait(POLL_S):
        ((_, _, monitor),) = _rows(connection, "SHOW ENGINE INNODB STATUS")
        for lock, table, _ in waiting(monitor):
            if lock not in met:
                met.add(lock)
                waits.seen[table] += 1


def waiting(monitor: str) -> list[tuple[str, str, str]]:
    """(the lock, its table, the transaction) of everybody who waits, from the monitor's text."""
    return _WAITING.findall(monitor)


def _total(connection: Any) -> int:
    return int(_rows(connection, "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'")[0][1])


def _rows(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
