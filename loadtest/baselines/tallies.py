"""Two common ways to store ratings: count, sum and histogram are columns of one row, which every rater writes.

The rater's own row is written by the same statements as in the project, so that only the sums differ.
"""

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import F

from loadtest.baselines.models import Tally
from ratings import scores
from ratings.counts import histogram_counter


def rate_with_lock(*, user_id: int, item_id: int, score: int) -> Tally:
    """Store a score; read, add and write back the sums under a lock on their row; return the sums.

    The lock is held from the first read until the commit, like that of a "synchronized" method, but for many processes.
    """
    with transaction.atomic():
        tally = Tally.objects.select_for_update().get(pk=item_id)
        before = scores.select(DEFAULT_DB_ALIAS, user_id, item_id)
        for name, amount in _store_score(user_id, item_id, before, score).items():
            setattr(tally, name, getattr(tally, name) + amount)
        tally.save(force_update=True)
    return tally


def rate_with_f_expression(*, user_id: int, item_id: int, score: int) -> Tally:
    """Store a score; let the database add to the sums by F(); return the sums.

    The UPDATE locks the row until the commit, so it is the last statement.
    """
    before = scores.select(DEFAULT_DB_ALIAS, user_id, item_id)
    with transaction.atomic():
        if amounts := _store_score(user_id, item_id, before, score):
            Tally.objects.filter(pk=item_id).update(**{name: F(name) + amount for name, amount in amounts.items()})
    return Tally.objects.get(pk=item_id)


def _store_score(user_id: int, item_id: int, before: scores.StoredScore | None, after: int) -> dict[str, int]:
    """Store the score; return the amounts to add to the sums, by column."""
    if before is None:
        scores.insert(DEFAULT_DB_ALIAS, user_id, item_id, after)
        return {"count": 1, "sum": after, histogram_counter(after): 1}
    if before.score == after or not scores.update_if_unchanged(DEFAULT_DB_ALIAS, before, after):
        return {}
    return {"sum": after - before.score, histogram_counter(before.score): -1, histogram_counter(after): 1}
