"""Items as one viewer sees them: rows, counts and the viewer's own scores, read in one round trip."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.rounding import rounded_ratio
from caching.api import Batch, Found
from counters.api import counters_of, request_counts
from ratings.counts import HISTOGRAM, KIND, SCORES, are_consistent, read_consistent
from ratings.models import Item, my_scores


class RequestedItems:
    """Items and their counters, requested from a batch. Removed and unknown items are missing."""

    def __init__(self, batch: Batch, item_ids: Sequence[int]) -> None:
        self._items = batch.rows(Item, item_ids)
        self._counts = request_counts(batch, [f"{KIND}:{item_id}" for item_id in item_ids])

    def documents_with(self, viewer_scores: Mapping[int, int | None]) -> Found[dict[str, Any]]:
        """Return the JSON documents with the viewer's scores by item, once the batch has run."""
        rows = self._items.structs("id", "title", "description", "removed_at").results
        counts = self._consistent_counts([row.id for row in rows])
        results = [document(row, counts[row.id], viewer_scores[row.id]) for row in rows if row.removed_at is None]
        existing = {item["id"] for item in results}
        return Found(results, [pk for pk in self._items.identities.values() if pk not in existing])

    def are_consistent(self) -> bool:
        """Return whether the documents need nothing but what the batch has read."""
        return all(map(are_consistent, self._counts.result.values()))

    def _consistent_counts(self, item_ids: list[int]) -> dict[int, dict[str, int]]:
        """Return the counters by item; from the database for items whose cached counters are inconsistent.

        Counters are cached after each commit, possibly in another order, and an average of such values could be wrong.
        """
        cached = self._counts.result
        counts = {item_id: cached[f"{KIND}:{item_id}"] for item_id in item_ids}
        if inconsistent := [item_id for item_id, values in counts.items() if not are_consistent(values)]:
            counts.update(read_consistent(inconsistent))
        return counts


class RequestedItemsWithScores(RequestedItems):
    """Items, their counters and the viewer's own scores, requested from a batch."""

    def __init__(self, batch: Batch, viewer_id: int, item_ids: Sequence[int]) -> None:
        super().__init__(batch, item_ids)
        self._viewer_scores = batch.add(my_scores.of(viewer_id, item_ids))

    def documents(self) -> Found[dict[str, Any]]:
        """Return the JSON documents, once the batch has run."""
        return self.documents_with(self._viewer_scores.result)


def unrated(item: Item) -> dict[str, Any]:
    """Return the JSON document of a new item."""
    return document(item, dict.fromkeys(counters_of(KIND), 0), None)


def document(row: Any, counts: Mapping[str, int], my_score: int | None) -> dict[str, Any]:
    """Return the JSON document of an item's row; the counters must be consistent."""
    count = counts["count"]
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "score": rounded_ratio(counts["sum"], count, places=2) if count else None,
        "count": count,
        "histogram": {str(score): counts[name] for score, name in zip(SCORES, HISTOGRAM, strict=True)},
        "my_score": my_score,
    }
