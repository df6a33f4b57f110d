"""Loading of what the cache lacks, for all requests that wait together.

After a FLUSHALL every request lacks something. Alone each would cost a pass through Django and queries of its
own, so that the more requests come, the longer all wait. Together they cost one pass, and one query for many entries.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from django.db import Error, close_old_connections

from api import outages
from api.logs.current import set_current
from caching.api import Batch, is_lost
from caching.extend import run_together
from serving.bridge.threads import ThreadPool

MAX_TOGETHER = 64  # requests; with more of them, all would wait long for the last
logger = logging.getLogger(__name__)

Waiting = tuple[Batch, Callable[[bool], None]]


class MissLoader:
    """Loads batches on half of the threads, so that reads that miss leave the other half to writes.

    A thread takes all batches that wait when it begins. As many wait as connections have a request, at most.
    """

    def __init__(self, threads: ThreadPool) -> None:
        self._threads = threads
        self._waiting: deque[Waiting] = deque()
        self._free = max(1, threads.size // 2)

    def load(self, batch: Batch, loaded: Callable[[bool], None]) -> None:
        """Load a batch that lacks only entries; `loaded` is called later, with whether it has been loaded."""
        self._waiting.append((batch, loaded))
        if self._free:
            self._start()

    def _start(self) -> None:
        self._free -= 1
        taken: list[Waiting] = []
        self._threads.run(self._load, taken).add_done_callback(partial(self._finish, taken))

    def _load(self, taken: list[Waiting]) -> None:
        with suppress(IndexError):  # other threads take from them, too
            while len(taken) < MAX_TOGETHER:
                taken.append(self._waiting.popleft())
        if taken:
            set_current(None)  # lines are about all of them
            close_old_connections()  # as Django does before and after each request
            try:
                run_together([batch for batch, _ in taken])
            finally:
                close_old_connections()

    def _finish(self, taken: list[Waiting], done: "asyncio.Future[None]") -> None:
        self._free += 1
        if self._waiting:
            self._start()
        error = done.exception()
        if isinstance(error, Error) and is_lost(error):
            outages.database.failed(error)
        elif error is not None:
            logger.warning("Misses of the hot lane could not be loaded. Django answers instead.", exc_info=error)
        for _, loaded in taken:
            loaded(error is None)
