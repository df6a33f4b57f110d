"""Circuit breaker: one process's opinion of whether Redis may be used.

It starts open and opens again at the first failure. While it is open the cache is not read; it closes only after
Redis has answered *and* the invalidations that writers left in the database meanwhile have been applied, because
until then an entry may be older than a write that this process has acknowledged.
On a Redis Cluster each server has a breaker of its own, `breaker.of(address)`: entries of the others stay in use.
Technique: Nygard, "Release It!", Circuit Breaker.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.signals import setting_changed

from ..conf import conf
from ..locations import Address
from .failures import NotBelieved

logger = logging.getLogger(__name__)


class Breaker:
    """Open: reads go to the database, writes try Redis after a pause. Closed: Redis may be used."""

    needs_thread: Callable[[], bool] = staticmethod(lambda: False)
    """Whether the calling thread cannot recover, because it is in a transaction: another thread does it then."""
    leave_thread: Callable[[], None] = staticmethod(lambda: None)
    """What that other thread does at its end."""

    servers: Callable[[], Iterable[Address]] = staticmethod(lambda: ())
    """The addresses of a cluster's servers that have keys; none where there is one Redis alone."""

    def __init__(self, recover: Callable[..., bool] = lambda *server: True) -> None:
        """`recover` tries Redis (or one server of a cluster) and applies what is pending; it returns whether the cache
        may be read again."""
        self.recover = recover
        self.is_closed = False
        """Whether entries may be trusted, on a cluster those of any server, for callers that may not wait for a
        recovery (an event loop)."""
        self._trips = 0
        self._away_since_s: float | None = None
        self._retry_at = self._recover_at = 0.0
        self._probing = threading.Lock()
        self._of: dict[Address, ServerBreaker] = {}

    def of(self, server: Address) -> "Breaker":
        """Return the breaker of one server of a cluster, which begins open."""
        return self._of.get(server) or self._of.setdefault(server, ServerBreaker(self, server))

    def may_write(self, server: Address | None = None) -> bool:
        """Return whether holds and lifts may be tried: not for a pause after a failure, nor if switched off."""
        if server is not None:
            return self.of(server).may_write()
        return self.is_closed or (conf().enabled and time.monotonic() >= self._retry_at)

    def may_read(self, server: Address | None = None) -> bool:
        """Return whether entries may be trusted; at most one thread at a time waits for a recovery."""
        if server is not None:
            return self.of(server).may_read()
        return self.is_closed or self._may_read_after_recovery()

    def _may_read_after_recovery(self) -> bool:
        if servers := [self.of(server) for server in self.servers()]:
            return sum(each.may_read() for each in servers) > 0  # each recovers, not only the first that can
        probing = self._probing
        if time.monotonic() < self._recover_at or not self.may_write() or not probing.acquire(blocking=False):
            return False
        if self.needs_thread():
            threading.Thread(target=self._probe_apart, args=[probing], name="caching recovery", daemon=True).start()
            return False
        try:
            return self._probe()
        finally:
            probing.release()

    def trip(self, cause: Exception) -> None:
        """Open, on a cluster for every server, and leave Redis alone for CACHING["RETRY_MS"]; but where it is only not
        believed, writers tell it what they write."""
        for each in tuple(self._of.values()):
            each.trip(cause)
        if self.is_closed or not self._trips:
            self._away_since_s = time.monotonic()
            logger.warning("%s cannot be used (%s): reads go to the database until it answers again.", self, cause)
        self._trips += 1
        self._recover_at = time.monotonic() + conf().retry_ms / 1000
        if not isinstance(cause, NotBelieved):
            self._retry_at = self._recover_at
        self._set(is_closed=False)

    @property
    def is_paused(self) -> bool:
        """Whether Redis failed a moment ago, and is left alone."""
        return not self.is_closed and time.monotonic() < self._retry_at

    def states(self) -> dict[str, bool]:
        """Return by server whether entries may be trusted; under "redis" where there is one Redis alone."""
        each = {f"{host}:{port}": breaker.is_closed for (host, port), breaker in tuple(self._of.items())}
        return each or {"redis": self.is_closed}

    def wait_for_probe(self, timeout_s: float = 5) -> None:
        """Wait until no thread is recovering."""
        for each in self._all():
            if each._probing.acquire(timeout=timeout_s):
                each._probing.release()

    def retry(self) -> bool:
        """Recover now, without the pause after a failure; return whether entries may be trusted. For tests."""
        self.wait_for_probe()
        for each in self._all():
            each._retry_at = each._recover_at = 0.0
        return self.may_read()

    def forget_threads(self) -> None:
        """Let a forked process recover although another thread of its parent was about to."""
        for each in self._all():
            each._probing = threading.Lock()

    def follow_settings(self, *, setting: str, value: Any, **_: object) -> None:
        """Open where CACHING["ENABLED"] is switched off, as tests do."""
        if setting == "CACHING" and not (value or {}).get("ENABLED", True):
            for each in self._all():
                each._set(is_closed=False)

    def __str__(self) -> str:
        return "Redis"

    def _all(self) -> "tuple[Breaker, ...]":
        return (self, *self._of.values())

    def _set(self, *, is_closed: bool) -> None:
        self.is_closed = is_closed
        self._log_return()

    def _log_return(self) -> None:
        if self.is_closed and self._away_since_s is not None:
            logger.warning("%s is used again, after %.1f s.", self, time.monotonic() - self._away_since_s)
            self._away_since_s = None

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
            self._set(is_closed=True)
        return self.is_closed


class ServerBreaker(Breaker):
    """The breaker of one server of a cluster."""

    def __init__(self, whole: Breaker, server: Address) -> None:
        super().__init__(lambda: whole.recover(server))
        self._whole = whole
        self._server = server

    def _may_read_after_recovery(self) -> bool:
        self.needs_thread, self.leave_thread = self._whole.needs_thread, self._whole.leave_thread
        return super()._may_read_after_recovery()

    def __str__(self) -> str:
        host, port = self._server
        return f"The Redis at {host}:{port}"

    def _set(self, *, is_closed: bool) -> None:
        self.is_closed = is_closed
        whole = self._whole
        whole.is_closed = any(each.is_closed for each in tuple(whole._of.values()))
        self._log_return()
        whole._log_return()


breaker = Breaker()
setting_changed.connect(breaker.follow_settings)
"""The breaker of this process; the protocol says how it recovers (caching.protocol.pending)."""

os.register_at_fork(after_in_child=breaker.forget_threads)


def breaker_states() -> dict[str, bool]:
    """Return by server whether the breaker of this process is closed; see Breaker.states."""
    return breaker.states()
