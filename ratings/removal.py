"""Deletion of items: immediate for readers, then in short transactions (docs/decisions/0005-removing-posts.md).

An item is first marked as removed, which hides it from readers. Then its scores are deleted in chunks, and the item
last. If the process is killed in between, `sweep_removed` finds the mark and continues.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from django.db import router
from django.utils import timezone

from caching.api import atomic_write, delete_locked, lock_rows
from counters.api import Amounts, append_deltas
from jobs.deletion import Dependents, MarkedRows, in_chunks
from ratings.counts import KIND, histogram_counter
from ratings.models import Item, Score, my_scores

CHUNK = 500  # scores deleted in one transaction


def remove(item_ids: list[int]) -> None:
    """Hide items and delete up to AT_ONCE rows; the sweep deletes the rest."""
    Item.objects.filter(pk__in=item_ids, removed_at=None).update(removed_at=timezone.now())
    removed_items.delete_some(item_ids)


def delete_scores_of(user_id: int) -> Iterator[int]:
    """Delete a user's scores and yield the number of rows per chunk; registered with users.deletion_hooks."""
    change = partial(_delete_scores, user_id=user_id)
    return in_chunks(Score.objects.all(), change, CHUNK, by="item_id", owner={"user_id": user_id})


def _delete_scores(pks: list[int], **owner: int) -> None:
    """Delete scores without signals, which would query for each row: a million scores take minutes instead of hours."""
    using = router.db_for_write(Score)
    with atomic_write(using):
        scores = lock_rows(Score, pks, using, **owner)
        my_scores.hold(using, [my_scores.identity(score.user_id, score.item_id) for score in scores])
        delete_locked(Score, scores, using)
        append_deltas(using, _negative_amounts(scores))


def _negative_amounts(scores: list[Score]) -> Amounts:
    amounts: Amounts = Counter()
    for each in scores:
        amounts.subtract({(KIND, each.item_id, "count"): 1, (KIND, each.item_id, histogram_counter(each.score)): 1})
        amounts[KIND, each.item_id, "sum"] -= each.score
    return amounts


removed_items = MarkedRows(
    Item,
    Item.objects.filter(removed_at__isnull=False).order_by("removed_at"),
    "removed_at",
    lambda item_id: [Dependents(Score.objects.filter(item_id=item_id), _delete_scores, CHUNK)],
)
