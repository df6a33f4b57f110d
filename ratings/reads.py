"""The reads of rated items, for the views and the hot lane."""

from typing import Any

from api.problems import Problem, first_or_raise, not_found
from api.reads import Read
from caching.api import Batch
from ratings.presentation import RequestedItemsWithScores


def no_such_item() -> Problem:
    """Return the 404 of an item."""
    return not_found("such item")


class SomeItems(Read):
    """Several items by id, with the caller's own scores; removed ones are missing."""

    def __init__(self, batch: Batch, caller_id: int, item_ids: list[int]) -> None:
        self._items = RequestedItemsWithScores(batch, caller_id, item_ids)

    def is_nonblocking(self) -> bool:
        return not self._items.inconsistent

    def document(self) -> Any:
        return self._items.documents()._asdict()


class OneItem(SomeItems):
    """One item by id, with the caller's own score; a 404 if there is none."""

    def __init__(self, batch: Batch, caller_id: int, item_id: int) -> None:
        super().__init__(batch, caller_id, [item_id])

    def document(self) -> Any:
        return first_or_raise(self._items.documents().results, no_such_item)
