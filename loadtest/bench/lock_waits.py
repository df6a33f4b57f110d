"""Count the waits for row locks while a block runs, as InnoDB reports them."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

POLL_S = 0.01
_WAITING = re.compile(r"TRX HAS BEEN WAITING [^\n]*\n(RECORD LOCKS [^\n]* of table `\w+`\.`(\w+)` trx id (\d+)[^\n]*)")


class LockWaits:
    """`total` is InnoDB's count of all waits. `observed` counts, by table, the waits that lasted long enough to appear
    in InnoDB's monitor, which is read every POLL_S."""

    def __init__(self) -> None:
        self.total = 0
        self.observed: Counter[str] = Counter()


@contextmanager
def count_lock_waits(connection: Any) -> Iterator[LockWaits]:
    """Count lock waits during the block; the counts are complete when the block ends.

    Nothing else may use `connection` meanwhile.
    """
    waits, ended = LockWaits(), threading.Event()
    before = _total(connection)
    observer = threading.Thread(target=_observe, args=(connection, ended, waits))
    observer.start()
    try:
        yield waits
    finally:
        ended.set()
        observer.join()
        waits.total = _total(connection) - before


def _observe(connection: Any, ended: threading.Event, waits: LockWaits) -> None:
    known: set[str] = set()
    while not ended.wait(POLL_S):
        ((_, _, monitor),) = _rows(connection, "SHOW ENGINE INNODB STATUS")
        for lock, table, _ in parse_waits(monitor):
            if lock not in known:
                known.add(lock)
                waits.observed[table] += 1


def parse_waits(monitor: str) -> list[tuple[str, str, str]]:
    """Return (lock, table, transaction id) of each waiting transaction in the text of InnoDB's monitor."""
    return _WAITING.findall(monitor)


def _total(connection: Any) -> int:
    return int(_rows(connection, "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'")[0][1])


def _rows(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
