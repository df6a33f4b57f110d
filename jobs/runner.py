"""Running one job in a thread of its own, and again after every failure."""

import logging
import random
import threading
import time
from datetime import timedelta

from django.db import Error, connections
from django.utils import timezone

from caching.extend import FAILURES
from caching.management.polling import attempt, poll
from jobs.heartbeat import Heartbeat
from jobs.registry import Job

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0
GOOD_WHILE_S = 60
"""A job that has failed no more for so long is tried again after FIRST_PAUSE_S when it fails."""
LOG_S = 60.0
"""The time after which a job that goes on failing in the same way is logged again."""
OUTAGES = (*FAILURES, Error)
ERROR_LENGTH = 300
log = logging.getLogger(__name__)


class BackOff:
    """How long to wait after each failure: twice as long as after the one before, at most LONGEST_PAUSE_S."""

    def __init__(self) -> None:
        self._failures, self._failed_at = 0, 0.0

    def next_s(self) -> float:
        """Return for how long to wait after a failure now, other than other processes do."""
        now = time.monotonic()
        if now - self._failed_at > GOOD_WHILE_S:
            self._failures = 0
        pause_s = min(FIRST_PAUSE_S * 2**self._failures, LONGEST_PAUSE_S)
        self._failures, self._failed_at = self._failures + 1, now + pause_s
        return pause_s * random.uniform(0.5, 1)


class FailureLog:
    """The lines about a job that fails: the first failure, one of another kind, one every LOG_S, and its return."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._kind: type[BaseException] | None = None
        self._logged_at = self._since = 0.0
        self._unlogged = 0

    def failed(self, error: BaseException, said: str, pause_s: float) -> None:
        """Note a failure; its traceback is logged unless a server is to blame."""
        now = time.monotonic()
        if self._kind is None:
            self._since = now
        if self._kind is type(error) and now - self._logged_at < LOG_S:
            self._unlogged += 1
            return
        level, trace = (logging.WARNING, None) if isinstance(error, OUTAGES) else (logging.ERROR, error)
        more = f" ({self._unlogged} more failures were left out)" if self._unlogged else ""
        text = "Job %s failed, and is tried again in %.1f s. %s%s"
        log.log(level, text, self._name, pause_s, said, more, exc_info=trace)
        self._kind, self._logged_at, self._unlogged = type(error), now, 0

    def succeeded(self) -> None:
        """Note that a step succeeded."""
        if self._kind is not None:
            log.warning("Job %s works again, after %.1f s.", self._name, time.monotonic() - self._since)
            self._kind, self._unlogged = None, 0


class Runner:
    """A job of this process. `stopped` ends it after its current step; other threads ask for its heartbeat."""

    def __init__(self, job: Job, worker: str, stopped: threading.Event) -> None:
        now = timezone.now()
        self.job = job
        self._stopped = stopped
        self._back_off, self._log = BackOff(), FailureLog(job.name)
        self._beat = Heartbeat(job.name, worker, beat_at=now, started_at=now)
        self._step_began_at: float | None = None
        self.thread = threading.Thread(target=self.run, name=job.name, daemon=True)

    def run(self) -> None:
        """Run the job until it is stopped."""
        while not self._stopped.is_set():
            try:
                poll(self._step, self._stopped, self.job.interval_s)
            except (Exception, SystemExit) as error:
                self._stopped.wait(self._note_failure(error))
            finally:
                connections.close_all()

    def heartbeat(self) -> Heartbeat:
        """Return the heartbeat as of now."""
        self._beat.beat_at = timezone.now() - timedelta(seconds=self.stuck_s())
        return self._beat

    def stuck_s(self) -> float:
        """Return for how many seconds the current step has been running."""
        began_at = self._step_began_at
        return 0.0 if began_at is None else time.monotonic() - began_at

    def measure(self) -> None:
        """Ask how much work waits; an error leaves what was known before."""
        if self.job.waiting is not None:
            self._beat.pending, self._beat.pending_since = self.job.waiting()

    def _step(self) -> object:
        self._step_began_at = time.monotonic()
        try:
            more = attempt(self.job.step)
        finally:
            self._step_began_at = None
        self._beat.succeeded_at, self._beat.failures = timezone.now(), 0
        self._log.succeeded()
        return more

    def _note_failure(self, error: BaseException) -> float:
        """Note a failure for the heartbeat and the log; return when to try again."""
        pause_s = self._back_off.next_s()
        said = " ".join(f"{type(error).__name__}: {error}".split())[:ERROR_LENGTH]
        self._beat.error, self._beat.failed_at, self._beat.failures = said, timezone.now(), self._beat.failures + 1
        self._log.failed(error, said, pause_s)
        return pause_s
