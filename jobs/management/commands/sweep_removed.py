"""manage.py sweep_removed: delete the rows of what is already gone for its readers."""

from caching.management.polling import PollingCommand
from jobs import deletion


class Command(PollingCommand):
    help = "Delete what was removed, and all that points at it, every second, for ever; with --once, do it now and end."
    incomplete = "Nothing lost, but not all deleted"
    waiting = "What was removed waits"

    def finish(self) -> str:
        return f"{deletion.finish()} rows deleted."

    def step(self) -> bool:
        return deletion.step() > 0
