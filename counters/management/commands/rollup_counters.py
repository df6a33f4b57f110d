"""manage.py rollup_counters: roll up the delta log into the counters."""

from caching.management.polling import PollingCommand
from counters import rollup


class Command(PollingCommand):
    """Command `rollup_counters`: folds pending deltas into the counters, chunk by chunk."""

    help = "Fold pending deltas into the counters every second, for ever; with --once, fold them now and end."
    job = "rollup"
    incomplete = "Nothing lost, but not all folded"
    waiting = "Deltas wait"

    def finish(self) -> str:
        return f"{rollup.roll_up_all()} deltas folded."

    def step(self) -> bool:
        return rollup.step()
