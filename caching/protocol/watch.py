"""Watching for pending invalidations while the cache is in use.

Other processes may have committed writes that Redis could not be told of. A thread of each process that reads the cache
looks for them in the database every PROOF_MS, and applies them; where it cannot, the circuit breaker opens. It looks as
well whether another server has taken the place of the one that is used.
"""

import logging
import os
import threading

from django.db import Error

from ..redis.failures import FAILURES
from ..redis.proofs import proofs
from . import pending
from .agreement import agreement
from .pending import apply_everywhere, close_connections

logger = logging.getLogger(__name__)
LONGEST_LOOK_S = 5.0


class Watch:
    """A thread that looks each time the cache was used, and is started by the first use."""

    def __init__(self) -> None:
        self._used = threading.Event()
        self._looks = threading.Condition()
        self._begun = self._ended = 0
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Have the thread look now."""
        self._used.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="caching watch", daemon=True)
            self._thread.start()

    def look_now(self) -> None:
        """Return once the thread has looked, from now on; at most after LONGEST_LOOK_S."""
        if threading.current_thread() is self._thread:
            agreement.confirm()
            return
        with self._looks:
            number = self._begun + 1
            self.wake()
            self._looks.wait_for(lambda: self._ended >= number, LONGEST_LOOK_S)

    def restart(self) -> None:
        """Forget the parent's thread, in a forked process."""
        self.__init__()  # type: ignore[misc]

    def _run(self) -> None:
        while self._used.wait():
            with self._looks:
                self._used.clear()
                self._begun += 1
            try:
                look()
            except Exception:
                logger.exception("The look for pending invalidations failed.")
            with self._looks:
                self._ended = self._begun
                self._looks.notify_all()


def look() -> None:
    """Apply what is pending; open the circuit breaker if Redis does not take it. A failing database is no news."""
    try:
        if agreement.confirm():
            apply_everywhere()
    except FAILURES as error:
        pending.not_applied(error)
    except Error:
        logger.debug("The database cannot be asked for pending invalidations.", exc_info=True)
    finally:
        close_connections()


watch = Watch()
proofs.used, agreement.look = watch.wake, watch.look_now
os.register_at_fork(after_in_child=watch.restart)
