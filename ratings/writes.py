"""The writes of scores, for the views and the hot lane."""

from typing import Any

from api.problems import Problem, first_or_raise
from api.views import inactive_account
from api.writes import Write
from caching.api import Batch
from ratings import services
from ratings.models import Item, my_scores
from ratings.presentation import RequestedItems
from ratings.reads import no_such_item
from users.models import User


class ScoreWrite(Write):
    """A score of the caller's that is set, or withdrawn by None; the answer is the item as it is then."""

    def __init__(self, batch: Batch, caller_id: int, item_id: int, score: int | None = None) -> None:
        self._caller_id, self._item_id, self.score = caller_id, item_id, score
        self.items = batch.rows(Item, [item_id])
        self._known = batch.glance(my_scores.of(caller_id, [item_id]))
        self._read_after = Batch()
        self._requested = RequestedItems(self._read_after, [item_id])

    def check(self) -> None:
        row = self.items.row(self._item_id)
        if row is None or row.removed_at:
            raise no_such_item()

    def perform(self) -> None:
        pair = {"user_id": self._caller_id, "item_id": self._item_id}
        if self.score is None:
            services.withdraw(**pair, read_after=self._read_after)
        else:
            _rate(**pair, score=self.score, is_first=self._known.value_or(0) is None, read_after=self._read_after)
        self._read_after.run()
        # Here, because it may have to ask the database; there are no results if the item was removed meanwhile.
        results = self._requested.documents_with({self._item_id: self.score}).results
        self._document = first_or_raise(results, no_such_item)

    def document(self) -> Any:
        return self._document


def _rate(**rating: Any) -> None:
    try:
        services.rate(**rating)
    except services.TooFast:
        raise Problem(409, "too_fast", "You are rating too fast: another of your scores came in between.") from None
    except Item.DoesNotExist:
        raise no_such_item() from None
    except User.DoesNotExist:
        raise inactive_account() from None
