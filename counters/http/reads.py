"""The read of counters, for the view and for the hot lane."""

from typing import Any

from api.json import without_times
from api.reads import Read
from caching.api import Batch
from counters import reads


class ReadCounters(Read):
    """All counters of the requested targets."""

    def __init__(self, batch: Batch, targets: list[str]) -> None:
        self._counts = reads.request_counts(batch, targets)

    def document(self) -> Any:
        return without_times({"results": self._counts.texts})
