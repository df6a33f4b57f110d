"""manage.py rollup_counters: fold the delta log into the counters."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, close_old_connections

from counters import rollup

INTERVAL_S = 1.0


class Command(BaseCommand):
    help = "Fold pending deltas into the counters every second, for ever; with --once, fold them now and end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="fold what is pending now and end")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        if once:
            try:
                self.stdout.write(f"{rollup.fold_all()} deltas folded.")
            except Error as error:
                raise CommandError(f"Nothing lost, but not all folded: {error}") from error
            return
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        while not stopped.is_set():
            if not self._fold_or_complain():
                stopped.wait(INTERVAL_S)

    def _fold_or_complain(self) -> bool:
        """Fold one chunk; returns whether more is likely to wait."""
        try:
            close_old_connections()
            return rollup.fold() == rollup.CHUNK
        except Error as error:
            self.stderr.write(f"Deltas wait: {error}")
            return False
