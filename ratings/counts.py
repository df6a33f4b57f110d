"""The counters of scores; imported when Django's models are loaded. The average is computed from them, not stored."""

from collections.abc import Collection, Mapping
from operator import mul

from django.db.models import Q

from counters.api import CounterSet, CountOf, SumOf, counters_of, read_targets
from ratings.models import HIGHEST, LOWEST, Score

KIND = "rating"
SCORES = range(LOWEST, HIGHEST + 1)


def histogram_counter(score: int) -> str:
    """Return the name of the counter of one score's bar in the histogram."""
    return f"score_{score}"


HISTOGRAM = [histogram_counter(score) for score in SCORES]


def are_consistent(counts: Mapping[str, int]) -> bool:
    """Return whether the bars of the histogram add up to the count and the sum."""
    bars = [counts[name] for name in HISTOGRAM]
    return sum(bars) == counts["count"] and sum(map(mul, SCORES, bars)) == counts["sum"]


def read_consistent(item_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Return the counters by item from the database, by one SQL query."""
    found = read_targets({KIND: item_ids})
    return {pk: {name: max(0, found[KIND, pk][name]) for name in counters_of(KIND)} for pk in item_ids}


CounterSet(
    KIND,
    count=CountOf(Score, "item"),
    sum=SumOf(Score, "item", "score"),
    **{name: CountOf(Score, "item", where=Q(score=score)) for score, name in zip(SCORES, HISTOGRAM, strict=True)},
)
