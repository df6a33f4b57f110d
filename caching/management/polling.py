"""Management commands that do their work every second, for ever, or once."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, close_old_connections

from ..connections.attempts import repeated

INTERVAL_S = 1.0
before_work: list[Callable[[], None]] = []
"""Functions that an application has called before a command works for ever; what they raise ends the command."""


class PollingCommand(BaseCommand):
    """Repeats `step()` until SIGTERM or SIGINT, which wait for the current step; a failing server is waited for.

    What `step()` and `finish()` do may be done twice: they are repeated at once after a deadlock.
    """

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
        for function in before_work:
            function()
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        while not stopped.is_set():
            if not self._step_or_complain():
                stopped.wait(INTERVAL_S)

    def _step_or_complain(self) -> bool:
        try:
            close_old_connections()
            return repeated(self.step, is_idempotent=True)
        except self.failures as error:
            self.stderr.write(f"{self.waiting}: {error}")
            return False
