"""Telling listeners (counters, search terms) of what the log tells, in a thread: entries do not wait for their work."""

import queue
import threading
from collections.abc import Mapping
from contextlib import suppress

from django.db import connections

from caching.extend import LoggedTransaction, tell_logged

MOST_BATCHES = 100
"""What may wait to be told; the follower waits meanwhile."""
_PAUSE_S = 0.2
Gtids = Mapping[str, str]
"""The last transaction of each domain."""


class Telling:
    """Tells the listeners what it is given, in that order, until `end()`. They have been told of all up to `gtids`."""

    def __init__(self, using: str, gtids: Gtids) -> None:
        self.gtids = gtids
        self._using = using
        self._waiting: queue.Queue[tuple[list[LoggedTransaction], Gtids]] = queue.Queue(MOST_BATCHES)
        self._failure: Exception | None = None
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="binlog listeners", daemon=True)
        self._thread.start()

    def tell(self, transactions: list[LoggedTransaction], gtids: Gtids) -> None:
        """Tell of these next, after which `gtids` is how far they were told."""
        while True:
            self.check()
            with suppress(queue.Full):
                return self._waiting.put((transactions, gtids), timeout=_PAUSE_S)

    def check(self) -> None:
        """Raise what a listener has raised, after which none is told anything."""
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """Tell nothing more; waits for a listener that is at work."""
        self._is_ended.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._is_ended.is_set():
                with suppress(queue.Empty):
                    self._tell_waiting()
        except Exception as error:
            self._failure = error
        finally:
            connections.close_all()

    def _tell_waiting(self) -> None:
        """Tell all that waits at once; raises queue.Empty if nothing comes for _PAUSE_S."""
        transactions, gtids = self._waiting.get(timeout=_PAUSE_S)
        with suppress(queue.Empty):
            while True:
                more, gtids = self._waiting.get_nowait()
                transactions = transactions + more
        if transactions:
            tell_logged(self._using, transactions)
        self.gtids = gtids
