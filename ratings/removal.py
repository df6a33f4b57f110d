"""Deletion of items: immediate for readers, then in short transactions (docs/decisions/0005-removing-posts.md).

An item is first marked as removed, which hides it from readers. Then its scores are deleted in chunks, and the item
last. If the process is killed in between, `sweep_removed` finds the mark and continues.
"""

from collections import Counter
from collections.abc import Iterator

from django.db import router
from django.db.models import QuerySet
from django.utils import timezone

from caching.api import atomic_write
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
    return in_chunks(Score.objects.filter(user_id=user_id), _delete_scores, CHUNK, by="item_id")


def _delete_scores(pks: list[int]) -> None:
    """Delete scores without signals, which would query for each row: a million scores take minutes instead of hours."""
    using = router.db_for_write(Score)
    with atomic_write(using):
        scores = list(Score.objects.filter(pk__in=pks).select_for_update().order_by("pk"))
        my_scores.hold(using, [my_scores.identity(score.user_id, score.item_id) for score in scores])
        # A plain QuerySet: that of the model's manager would lock the rows and hold their pairs once more.
        QuerySet(Score).filter(pk__in=[score.pk for score in scores])._raw_delete(using)
        append_deltas(using, _negative_amounts(scores))


def _negative_amounts(scores: list[Score]) -> Amounts:
    amounts: Amounts = Counter()
    for each in scores:
        amounts.subtract({(KIND, each.item_id, "count"): 1, (KIND, each.item_id, histogram_counter(each.score)): 1})
        amounts[KIND, each.item_id, "sum"] -= each.score
    return amounts


removed_items = MarkedRows(
    Item,
    Item.objects.filter(removed_at__isnull=False).order_by("removed_at").values_list("pk", flat=True),
    lambda item_id: [Dependents(Score.objects.filter(item_id=item_id), _delete_scores, CHUNK)],
)
