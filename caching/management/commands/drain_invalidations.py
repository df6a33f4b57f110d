"""manage.py drain_invalidations: delete the entries of rows that were written while Redis could not be reached."""

from django.db import Error

from ...conf import conf
from ...protocol import pending
from ...redis.failures import FAILURES
from ..polling import PollingCommand


class Command(PollingCommand):
    """Command `drain_invalidations`: deletes the entries of keys that are recorded as pending in the database."""

    help = "Apply pending cache invalidations every second, for ever; with --once, apply them now and end."
    failures = (*FAILURES, Error)
    incomplete = "Nothing lost, but not all applied"
    waiting = "Invalidations wait"

    def finish(self) -> str:
        return f"{self._drain()} invalidations applied."

    def step(self) -> bool:
        if drained := self._drain():
            self.stdout.write(f"{drained} invalidations applied.")
        return False

    def _drain(self) -> int:
        return pending.apply_everywhere() if conf().enabled else 0
