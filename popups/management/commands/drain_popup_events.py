"""manage.py drain_popup_events: write the events of popups from Redis into the database."""

from typing import Any

from django.db import Error

from caching.api import Unavailable
from caching.management.polling import PollingCommand
from popups import layouts
from popups.events import drain, stream


class Command(PollingCommand):
    """Command `drain_popup_events`: a consumer of the stream of popup events, which writes them in batches."""

    help = (
        "Write popup events of all shards from Redis into the database, for ever; with --once, write what waits now "
        "and end. Several may run at once."
    )
    failures = (Unavailable, Error)
    incomplete = "Nothing lost, but not all written"
    waiting = "Popup events wait"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.consumer = stream.new_consumer()

    def finish(self) -> str:
        """Write all events, also those that another consumer has taken: its process may have ended."""
        written = 0
        for shard in layouts.read().shards:
            while taken := drain.drain(self.consumer, shard, min_idle_ms=0):
                written += taken
        return f"{written} popup events written."

    def step(self) -> bool:
        return drain.drain_all(self.consumer, layouts.read())
