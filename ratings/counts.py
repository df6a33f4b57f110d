"""What is counted of scores; imported once Django's models are there. The average is derived from it, never stored."""

from django.db.models import Q

from counters import CounterSet, CountOf, SumOf
from ratings.models import HIGHEST, LOWEST, Score

KIND = "rating"
SCORES = range(LOWEST, HIGHEST + 1)


def bar(score: int) -> str:
    """The counter of one score's bar in the histogram."""
    return f"score_{score}"


CounterSet(
    KIND,
    count=CountOf(Score, "item"),
    sum=SumOf(Score, "item", "score"),
    **{bar(score): CountOf(Score, "item", where=Q(score=score)) for score in SCORES},
)
