"""The counters of scores; imported when Django's models are loaded. The average is computed from them, not stored."""

from collections.abc import Collection, Sequence
from operator import attrgetter, mul
from typing import Any

import msgspec
from django.db.models import Q

from counters.api import CounterSet, CountOf, SumOf, counters_of, read_targets
from ratings.models import HIGHEST, LOWEST, Score

KIND = "rating"
SCORES = range(LOWEST, HIGHEST + 1)


def histogram_counter(score: int) -> str:
    """Return the name of the counter of one score's bar in the histogram."""
    return f"score_{score}"


HISTOGRAM = [histogram_counter(score) for score in SCORES]


class Tally(msgspec.Struct, frozen=True, gc=False):
    """The counters of an item; `bars` are those of the histogram, by ascending score."""

    count: int
    sum: int
    bars: Sequence[int]

    def is_consistent(self) -> bool:
        """Return whether the bars add up to the count and the sum."""
        return sum(self.bars) == self.count and sum(map(mul, SCORES, self.bars)) == self.sum


UNRATED = Tally(0, 0, [0 for _ in SCORES])
_bars_of = attrgetter(*HISTOGRAM)


def tally_of(values: Any) -> Tally:
    """Return the counters of an item as a tally; `values` as counters.api gives them."""
    return Tally(values.count, values.sum, _bars_of(values))


def read_consistent(item_ids: Collection[int]) -> dict[int, Tally]:
    """Return the counters by item from the database, by one SQL query."""
    found = read_targets({KIND: item_ids})
    by_item = {pk: {name: max(0, found[KIND, pk][name]) for name in counters_of(KIND)} for pk in item_ids}
    return {pk: Tally(each["count"], each["sum"], [each[name] for name in HISTOGRAM]) for pk, each in by_item.items()}


CounterSet(
    KIND,
    count=CountOf(Score, "item"),
    sum=SumOf(Score, "item", "score"),
    **{name: CountOf(Score, "item", where=Q(score=score)) for score, name in zip(SCORES, HISTOGRAM, strict=True)},
)
