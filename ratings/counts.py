"""What is counted of scores; imported once Django's models are there. The average is derived from it, never stored."""

from collections.abc import Collection, Mapping
from operator import mul

from django.db.models import Q

from counters.api import CounterSet, CountOf, SumOf, counters_of, read_targets
from ratings.models import HIGHEST, LOWEST, Score

KIND = "rating"
SCORES = range(LOWEST, HIGHEST + 1)


def histogram_counter(score: int) -> str:
    """The counter of one score's bar in the histogram."""
    return f"score_{score}"


HISTOGRAM = [histogram_counter(score) for score in SCORES]


def agree(counts: Mapping[str, int]) -> bool:
    """Whether the bars add up to the count and the sum."""
    bars = [counts[name] for name in HISTOGRAM]
    return sum(bars) == counts["count"] and sum(map(mul, SCORES, bars)) == counts["sum"]


def fresh(item_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """By item, out of one snapshot of the database: one SQL query."""
    found = read_targets({KIND: item_ids})
    return {each: {name: max(0, found[KIND, each][name]) for name in counters_of(KIND)} for each in item_ids}


CounterSet(
    KIND,
    count=CountOf(Score, "item"),
    sum=SumOf(Score, "item", "score"),
    **{name: CountOf(Score, "item", where=Q(score=score)) for score, name in zip(SCORES, HISTOGRAM, strict=True)},
)
