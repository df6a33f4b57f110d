"""manage.py drain_invalidations: tell Redis of the writes made while it could not be reached."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, close_old_connections

from caching import pending, registry
from caching.connection import FAILURES

INTERVAL_S = 1.0


class Command(BaseCommand):
    help = "Apply pending cache invalidations every second, for ever; with --once, apply them now and end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="apply what is pending now and end")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        if once:
            try:
                self.stdout.write(f"{self._drain()} invalidations applied.")
            except (*FAILURES, Error) as error:
                raise CommandError(f"Nothing lost, but not all applied: {error}") from error
            return
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        while not stopped.wait(INTERVAL_S):
            self._drain_or_complain()

    def _drain(self) -> int:
        return sum(pending.drain(alias) for alias in registry.write_aliases())

    def _drain_or_complain(self) -> None:
        try:
            close_old_connections()
            drained = self._drain()
        except (*FAILURES, Error) as error:
            self.stderr.write(f"Invalidations wait: {error}")
        else:
            if drained:
                self.stdout.write(f"{drained} invalidations applied.")
