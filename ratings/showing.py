"""Items as one viewer sees them: rows and counts from the cache, the viewer's own scores in one SQL query."""

from collections.abc import Sequence
from typing import Any

from caching import Batch, Found
from counters import reads
from ratings.counts import KIND, SCORES, bar
from ratings.models import Item
from ratings.services import scores_of


class Shown:
    def __init__(self, batch: Batch, item_ids: Sequence[int]) -> None:
        self._items = batch.rows(Item, item_ids)
        self._counts = reads.ask(batch, [f"{KIND}:{each}" for each in item_ids])

    def documents(self, viewer_id: int) -> Found[dict[str, Any]]:
        """After the batch ran."""
        items = self._items.documents("id", "title", "description")
        counts, mine = self._counts.result, scores_of(viewer_id, [row.id for row in items.results])
        results = [_document(row, counts[f"{KIND}:{row.id}"], mine.get(row.id)) for row in items.results]
        return Found(results, items.missing)


def items_of(viewer_id: int, item_ids: Sequence[int]) -> Found[dict[str, Any]]:
    batch = Batch()
    shown = Shown(batch, item_ids)
    batch.run()
    return shown.documents(viewer_id)


def _document(row: Any, counts: dict[str, int], my_score: int | None) -> dict[str, Any]:
    count = counts["count"]
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "score": round(counts["sum"] / count, 2) if count else None,
        "count": count,
        "histogram": {str(score): counts[bar(score)] for score in SCORES},
        "my_score": my_score,
    }
