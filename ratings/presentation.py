"""Items as one viewer sees them: rows, counts and the viewer's own scores, read in one round trip."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from api.rounding import rounded_ratio
from caching.api import Batch, Found
from counters.api import request_counts_of
from ratings.counts import HISTOGRAM, KIND, SCORES, UNRATED, Tally, read_consistent, tally_of
from ratings.models import Item, my_scores

Histogram: Any = msgspec.defstruct(
    "Histogram", HISTOGRAM, rename=dict(zip(HISTOGRAM, map(str, SCORES), strict=True)), frozen=True, gc=False
)


class ItemDocument(msgspec.Struct, frozen=True, gc=False):
    """An item for one viewer; msgspec writes it as a JSON object."""

    id: int
    title: str
    description: str
    score: float | None
    count: int
    histogram: Any
    my_score: int | None


class RequestedItems:
    """Items and their counters, requested from a batch. Removed and unknown items are missing."""

    def __init__(self, batch: Batch, item_ids: Sequence[int]) -> None:
        self._items = batch.rows(Item, item_ids)
        self._counts = request_counts_of(batch, KIND, item_ids)

    @cached_property
    def inconsistent(self) -> list[int]:
        """The items whose cached counters are inconsistent, once the batch has run: see documents_with()."""
        return [item_id for item_id, tally in self._tallies.items() if not tally.is_consistent()]

    def documents_with(self, viewer_scores: Mapping[int, int | None]) -> Found[ItemDocument]:
        """Return the documents with the viewer's scores by item, once the batch has run.

        Counters are cached after each commit, possibly in another order, and an average of such values could be wrong:
        where they are inconsistent, one query reads them from the database.
        """
        tallies, found = self._tallies, self._items.rows()
        if self.inconsistent:
            tallies = {**tallies, **read_consistent(self.inconsistent)}
        rows = [row for row in found.results if row.removed_at is None]
        results = [document(row, tallies[row.id], viewer_scores[row.id]) for row in rows]
        if len(rows) == len(found.results):
            return Found(results, found.missing)
        existing = {item.id for item in results}
        return Found(results, [pk for pk in self._items.ids if pk not in existing])

    @cached_property
    def _tallies(self) -> dict[int, Tally]:
        return {item_id: tally_of(values) for item_id, values in self._counts.result.items()}


class RequestedItemsWithScores(RequestedItems):
    """Items, their counters and the viewer's own scores, requested from a batch."""

    def __init__(self, batch: Batch, viewer_id: int, item_ids: Sequence[int]) -> None:
        super().__init__(batch, item_ids)
        self._viewer_scores = batch.add(my_scores.of(viewer_id, item_ids))

    def documents(self) -> Found[ItemDocument]:
        """Return the documents, once the batch has run."""
        return self.documents_with(self._viewer_scores.result)


def unrated(item: Item) -> ItemDocument:
    """Return the document of a new item."""
    return document(item, UNRATED, None)


def document(row: Any, tally: Tally, my_score: int | None) -> ItemDocument:
    """Return the document of an item's row; the tally must be consistent."""
    count = tally.count
    score = rounded_ratio(tally.sum, count, places=2) if count else None
    return ItemDocument(row.id, row.title, row.description, score, count, Histogram(*tally.bars), my_score)
