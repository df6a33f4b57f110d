"""manage.py sweep_removed: delete rows that are marked as removed, and the rows that refer to them."""

from caching.management.polling import PollingCommand
from jobs import deletion


class Command(PollingCommand):
    """Command `sweep_removed`: deletes the removed rows of all registered models in short transactions."""

    help = (
        "Delete the rows that are marked as removed, and all rows that refer to them, every second until stopped; "
        "with --once, do it now and exit."
    )
    job = "removals"
    incomplete = "Nothing is lost, but not everything is deleted"

    def finish(self) -> str:
        return f"{deletion.finish()} rows deleted."
