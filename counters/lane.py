"""The read of counters; the hot lane answers its plainest form."""

from typing import Any

from api.reads import Read
from caching.api import Batch
from counters import reads
from counters.targets import targets_of
from serving.hot_lane.routes import Route


class SomeCounts(Read):
    def __init__(self, batch: Batch, targets: list[str]) -> None:
        self._counts = reads.ask(batch, targets)

    def document(self) -> Any:
        return {"results": self._counts.result}


ADDRESSES = (
    Route(
        "counters",
        r"targets=([a-z0-9_:,]+)",
        lambda batch, caller_id, targets: SomeCounts(batch, targets_of(targets)),
    ),
)
