"""The two usual ways to rate: count, sum and histogram are columns of one row, which every rater writes.

The rater's own row is written as the project writes it, by the same statements; nothing but the sums differs.
"""

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import F

from loadtest.baselines.models import Tally
from ratings import scores
from ratings.counts import histogram_counter


def rate_locked(*, user_id: int, item_id: int, score: int) -> Tally:
    """Read, add, write back under the row's lock, from before the first read until the commit: what a "synchronized"
    method is where there are several processes."""
    with transaction.atomic():
        tally = Tally.objects.select_for_update().get(pk=item_id)
        before = scores.select(DEFAULT_DB_ALIAS, user_id, item_id)
        for name, amount in _written(user_id, item_id, before, score).items():
            setattr(tally, name, getattr(tally, name) + amount)
        tally.save(force_update=True)
    return tally


def rate_by_f(*, user_id: int, item_id: int, score: int) -> Tally:
    """The usual advice: the database adds. The row is locked from then on until the commit, so it comes last."""
    before = scores.select(DEFAULT_DB_ALIAS, user_id, item_id)
    with transaction.atomic():
        if amounts := _written(user_id, item_id, before, score):
            Tally.objects.filter(pk=item_id).update(**{name: F(name) + amount for name, amount in amounts.items()})
    return Tally.objects.get(pk=item_id)


def _written(user_id: int, item_id: int, before: scores.StoredScore | None, after: int) -> dict[str, int]:
    """Writes the score; what that changes of the sums."""
    if before is None:
        scores.insert(DEFAULT_DB_ALIAS, user_id, item_id, after)
        return {"count": 1, "sum": after, histogram_counter(after): 1}
    if before.score == after or not scores.update_if_unchanged(DEFAULT_DB_ALIAS, before, after):
        return {}
    return {"sum": after - before.score, histogram_counter(before.score): -1, histogram_counter(after): 1}
