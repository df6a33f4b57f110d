"""The counters of an item beside what its scores say."""

from collections import Counter

from counters import rollup
from counters.reads import counts_of
from ratings.counts import KIND, SCORES, histogram_counter
from ratings.models import Item, Score
from tests.support.counter_drift import find_drifts
from tests.support.empty_redis import empty_redis


def shown(item):
    """Return the counters of an item as an application reads them."""
    return counts_of(KIND, [item.pk])[item.pk]


def truth(item):
    """Return what the counters of an item must be, by its rows."""
    scores = list(Score.objects.filter(item=item).values_list("score", flat=True))
    bars = Counter(scores)
    return {"count": len(scores), "sum": sum(scores), **{histogram_counter(score): bars[score] for score in SCORES}}


def drifts():
    """Return the counters of items that differ from the rows."""
    return find_drifts(KIND)


def assert_exact(item):
    """Assert that the counters equal the rows, with pending deltas and without.

    The cache is emptied first: a commit that came during a fill may be missing in the cached value until the next
    roll-up, so the cached value itself is not compared.
    """
    empty_redis()
    assert shown(item) == truth(item)
    rollup.roll_up_all()
    assert shown(item) == truth(item)
    assert drifts() == []


def assert_settled(item):
    """Assert that nothing is left of a removed item: neither a count nor a row."""
    assert not set(shown(item).values()) - {0}
    assert not Score.objects.filter(item_id=item.pk).exists()
    assert not Item.objects.filter(pk=item.pk).exists()
    assert drifts() == []
