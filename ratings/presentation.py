"""Items as one viewer sees them: rows, counts and the viewer's own scores, all from the cache in one round trip."""

from collections.abc import Mapping, Sequence
from typing import Any

from caching.api import Batch, Found
from counters.api import counters_of, request_counts
from ratings.counts import HISTOGRAM, KIND, SCORES, agree, fresh
from ratings.models import Item, my_scores

Mine = Mapping[int, int | None]
"""The viewer's scores, by item."""


class Rated:
    """Items with what all have given them, asked of a batch. Removed and unknown ones are missing."""

    def __init__(self, batch: Batch, item_ids: Sequence[int]) -> None:
        self._items = batch.rows(Item, item_ids)
        self._counts = request_counts(batch, [f"{KIND}:{each}" for each in item_ids])

    def documents_with(self, mine: Mine) -> Found[dict[str, Any]]:
        """After the batch ran."""
        rows = self._items.structs("id", "title", "description", "removed_at").results
        counts = self._agreeing([row.id for row in rows])
        results = [document(row, counts[row.id], mine[row.id]) for row in rows if row.removed_at is None]
        there = {each["id"] for each in results}
        return Found(results, [pk for pk in self._items.identities.values() if pk not in there])

    def _agreeing(self, item_ids: list[int]) -> dict[int, dict[str, int]]:
        """Cached counts are told of each commit after it, maybe of a second score before the first: an average of such
        numbers could be anything. Wherever they do not agree, the database is asked."""
        asked = self._counts.result
        counts = {each: asked[f"{KIND}:{each}"] for each in item_ids}
        if torn := [each for each, numbers in counts.items() if not agree(numbers)]:
            counts.update(fresh(torn))
        return counts


class Shown(Rated):
    """With the viewer's own scores, asked of the same batch."""

    def __init__(self, batch: Batch, viewer_id: int, item_ids: Sequence[int]) -> None:
        super().__init__(batch, item_ids)
        self._mine = batch.add(my_scores.of(viewer_id, item_ids))

    def documents(self) -> Found[dict[str, Any]]:
        return self.documents_with(self._mine.result)


def unrated(item: Item) -> dict[str, Any]:
    """A new item."""
    return document(item, dict.fromkeys(counters_of(KIND), 0), None)


def document(row: Any, counts: Mapping[str, int], my_score: int | None) -> dict[str, Any]:
    """`row`: an item's; `counts`: its counters, which agree."""
    count = counts["count"]
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "score": round(counts["sum"] / count, 2) if count else None,
        "count": count,
        "histogram": {str(score): counts[name] for score, name in zip(SCORES, HISTOGRAM, strict=True)},
        "my_score": my_score,
    }
