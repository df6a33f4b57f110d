"""Deleting items, however many people have rated them: at once for every reader, and in short transactions after.

An item is first marked as removed, which is what everybody sees. Then its scores are deleted a few at a time, and it
last. Whoever is killed in between leaves a mark; `sweep_removed` goes on from there.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator

from django.db import OperationalError, models, router
from django.db.models import Q
from django.utils import timezone

from caching.api import atomic_write
from counters.api import Amounts, append_deltas
from ratings.counts import KIND, histogram_counter
from ratings.models import Item, Score, my_scores

CHUNK = 500  # scores deleted in one transaction
AT_ONCE = 1_000  # scores that a request deletes itself


def remove(item_ids: list[int]) -> None:
    """Gone for readers when this returns; what there is too much of is left to `sweep`, and so is what the database
    refuses now."""
    Item.objects.filter(pk__in=item_ids, removed_at=None).update(removed_at=timezone.now())
    left = AT_ONCE
    with contextlib.suppress(OperationalError):
        for item_id in item_ids:
            for deleted in _delete(item_id):
                left -= deleted
                if left <= 0:
                    return


def sweep() -> Iterator[int]:
    """Deletes every item that is marked as removed; yields how many rows each transaction deleted."""
    removed = Item.objects.filter(removed_at__isnull=False).order_by("removed_at")
    while (item_id := removed.values_list("pk", flat=True).first()) is not None:
        yield from _delete(item_id)


def delete_scores_of(user_id: int) -> Iterator[int]:
    """Deletes a user's scores, CHUNK in a transaction, and yields how many; for users.deletion_hooks."""
    return _in_chunks(Q(user_id=user_id))


def _delete(item_id: int) -> Iterator[int]:
    gone = False
    while not gone:
        yield from _in_chunks(Q(item_id=item_id))
        gone = _delete_alone(item_id)
    yield 1


def _delete_alone(item_id: int) -> bool:
    """Whether nobody's score is left; then the item is gone."""
    with atomic_write(router.db_for_write(Item)):
        list(Item.objects.select_for_update().filter(pk=item_id))  # who began before the mark may just be through
        if Score.objects.filter(item_id=item_id).exists():
            return False
        Item.objects.filter(pk=item_id).delete()
        return True


def _in_chunks(whose: Q) -> Iterator[int]:
    while deleted := _delete_chunk(whose):
        yield deleted


def _delete_chunk(whose: Q) -> int:
    """Past the manager, which asks and tells about each row: a million of them take minutes instead of hours."""
    using = router.db_for_write(Score)
    with atomic_write(using):
        rows = models.QuerySet(Score, using=using)
        pks = rows.filter(whose).values_list("pk", flat=True)[:CHUNK]
        scores = list(rows.filter(pk__in=list(pks)).select_for_update().order_by("pk"))  # as they are once locked
        my_scores.hold(using, [my_scores.identity(each.user_id, each.item_id) for each in scores])
        rows.filter(pk__in=[each.pk for each in scores])._raw_delete(using)
        append_deltas(using, _part_of(scores))
    return len(scores)


def _part_of(scores: list[Score]) -> Amounts:
    """What the counters lose."""
    amounts: Amounts = Counter()
    for each in scores:
        amounts.subtract({(KIND, each.item_id, "count"): 1, (KIND, each.item_id, histogram_counter(each.score)): 1})
        amounts[KIND, each.item_id, "sum"] -= each.score
    return amounts
