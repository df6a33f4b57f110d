"""Circuit breaker: one process's opinion of whether Redis may be used.

It starts open and opens again at the first failure. While it is open the cache is not read; it closes only after
Redis has answered *and* the invalidations that writers left in the database meanwhile have been applied, because
until then an entry may be older than a write that this process has acknowledged.
Technique: Nygard, "Release It!", Circuit Breaker.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.signals import setting_changed

from ..conf import conf

logger = logging.getLogger(__name__)


class Breaker:
    """Open: reads go to the database, writes try Redis after a pause. Closed: Redis may be used."""

    needs_thread: Callable[[], bool] = staticmethod(lambda: False)
    """Whether the calling thread cannot recover, because it is in a transaction: another thread does it then."""
    leave_thread: Callable[[], None] = staticmethod(lambda: None)
    """What that other thread does at its end."""

    def __init__(self, recover: Callable[[], bool] = lambda: True) -> None:
        """`recover` tries Redis and applies what is pending; it returns whether the cache may be read again."""
        self.recover = recover
        self._closed = False
        self._trips = 0
        self._retry_at = 0.0
        self._probing = threading.Lock()

    @property
    def is_closed(self) -> bool:
        """Whether entries may be trusted, for callers that may not wait for a recovery (an event loop)."""
        return self._closed

    def may_write(self) -> bool:
        """Return whether holds and lifts may be tried: not for a pause after a failure, nor if switched off."""
        return self._closed or (conf().enabled and time.monotonic() >= self._retry_at)

    def may_read(self) -> bool:
        """Return whether entries may be trusted; at most one thread at a time waits for a recovery."""
        if self._closed:
            return True
        probing = self._probing
        if not self.may_write() or not probing.acquire(blocking=False):
            return False
        if self.needs_thread():
            threading.Thread(target=self._probe_apart, args=[probing], name="caching recovery", daemon=True).start()
            return False
        try:
            return self._probe()
        finally:
            probing.release()

    def trip(self, cause: Exception) -> None:
        """Open, and leave Redis alone for CACHING["RETRY_MS"]."""
        if self._closed or not self._trips:
            logger.warning("Redis cannot be used (%s): reads go to the database until it answers again.", cause)
        self._trips += 1
        self._retry_at = time.monotonic() + conf().retry_ms / 1000
        self._closed = False

    def wait_for_probe(self, timeout_s: float = 5) -> None:
        """Wait until no thread is recovering."""
        if self._probing.acquire(timeout=timeout_s):
            self._probing.release()

    def retry(self) -> bool:
        """Recover now, without the pause after a failure; return whether entries may be trusted. For tests."""
        self.wait_for_probe()
        self._retry_at = 0.0
        return self.may_read()

    def forget_threads(self) -> None:
        """Let a forked process recover although another thread of its parent was about to."""
        self._probing = threading.Lock()

    def follow_settings(self, *, setting: str, value: Any, **_: object) -> None:
        """Open where CACHING["ENABLED"] is switched off, as tests do."""
        if setting == "CACHING" and not (value or {}).get("ENABLED", True):
            self._closed = False

    def _probe_apart(self, probing: threading.Lock) -> None:
        try:
            self._probe()
        except Exception:
            logger.exception("The cache could not be recovered.")
        finally:
            probing.release()
            self.leave_thread()

    def _probe(self) -> bool:
        trips = self._trips
        # A failure that another thread reports meanwhile belongs to a writer whose pending row may not have been seen.
        if self.recover() and trips == self._trips:
            self._closed = True
        return self._closed


breaker = Breaker()
setting_changed.connect(breaker.follow_settings)
"""The breaker of this process; the protocol says how it recovers (caching.protocol.pending)."""

os.register_at_fork(after_in_child=breaker.forget_threads)
