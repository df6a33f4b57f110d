"""Management commands that do their work every second, for ever, or once."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, close_old_connections, reset_queries

from ..connections.attempts import repeated

T = TypeVar("T")
INTERVAL_S = 1.0
before_work: list[Callable[[], None]] = []
"""Functions that an application has called before a command works for ever; what they raise ends the command."""
run_job: Callable[[str], None] | None = None
"""What an application has done for ever in place of a command's steps, by the name of the command's job."""


def attempt(step: Callable[[], T]) -> T:
    """Return what a step returns, which may be done twice: it is repeated at once after a deadlock."""
    close_old_connections()
    reset_queries()  # debug mode remembers statements
    return repeated(step, is_idempotent=True)


def poll(step: Callable[[], object], stopped: threading.Event, interval_s: float = INTERVAL_S) -> None:
    """Call `step` until `stopped` is set: at once while it returns something true, else after a pause."""
    while not stopped.is_set():
        if not step():
            stopped.wait(interval_s)


def stopped_by_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set from now on."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


class PollingCommand(BaseCommand):
    """Repeats `step()` until SIGTERM or SIGINT, which wait for the current step; a failing server is waited for.

    What `step()` and `finish()` do may be done twice: they are repeated at once after a deadlock. `job` is the name by
    which an application runs the same steps otherwise (`run_job`).
    """

    job: ClassVar[str] = ""
    failures: ClassVar[tuple[type[Exception], ...]] = (Error,)
    incomplete = "Nothing lost, but not all done"
    waiting = "Work waits"

    def finish(self) -> str:
        """Do all waiting work; return a sentence on what was done."""
        raise NotImplementedError

    def step(self) -> bool:
        """Do a part of the waiting work; return whether more is likely to wait."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do the work that waits now and end")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        if once:
            try:
                self.stdout.write(repeated(self.finish, is_idempotent=True))
            except self.failures as error:
                raise CommandError(f"{self.incomplete}: {error}") from error
            return
        if self.job and run_job is not None:
            run_job(self.job)
            return
        for function in before_work:
            function()
        poll(self._step_or_complain, stopped_by_signals())

    def _step_or_complain(self) -> bool:
        try:
            return attempt(self.step)
        except self.failures as error:
            self.stderr.write(f"{self.waiting}: {error}")
            return False
