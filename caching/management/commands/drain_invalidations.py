"""manage.py drain_invalidations: delete the entries of rows that were written while Redis could not be reached."""

from django.db import Error

from ...protocol.pending import apply_waiting
from ...redis.failures import FAILURES
from ..polling import PollingCommand


class Command(PollingCommand):
    """Command `drain_invalidations`: deletes the entries of keys that are recorded as pending in the database."""

    help = "Apply pending cache invalidations every second, for ever; with --once, apply them now and end."
    job = "invalidations"
    failures = (*FAILURES, Error)
    incomplete = "Nothing lost, but not all applied"
    waiting = "Invalidations wait"

    def finish(self) -> str:
        return f"{apply_waiting()} invalidations applied."

    def step(self) -> bool:
        apply_waiting()
        return False
