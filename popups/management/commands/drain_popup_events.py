"""manage.py drain_popup_events: write the events of popups from Redis into the database."""

from django.db import Error

from caching.api import Unavailable
from caching.management.polling import PollingCommand
from popups import layouts
from popups.events import drain, job


class Command(PollingCommand):
    """Command `drain_popup_events`: a consumer of the stream of popup events, which writes them in batches."""

    help = (
        "Write popup events of all shards from Redis into the database, for ever; with --once, write what waits now "
        "and end. Several may run at once."
    )
    job = "popup_events"
    failures = (Unavailable, Error)
    incomplete = "Nothing lost, but not all written"

    def finish(self) -> str:
        """Write all events, also those that another consumer has taken: its process may have ended."""
        written = 0
        for shard in layouts.read().shards:
            while taken := drain.drain(job.consumer(), shard, min_idle_ms=0):
                written += taken
        return f"{written} popup events written."
