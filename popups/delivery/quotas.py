"""Total caps over several shards: each shows what it was granted of the cap, and asks for more when that is shown.

The table of quotas has what is granted, so nothing that happens to Redis can grant more. At any moment

    showings of a shard ≤ limit in the shard ≤ granted to it in the table, and
    granted to all shards + showings of older layouts ≤ total cap.

A grant is committed before the shard is told its new limit. Of a part that is taken back the shard is told first, and
the table after it. What is told is ordered by its revision, so a message that was late changes nothing; and since it
names the whole of what was granted, a message that was lost is sent again by the next who asks. See decision 0032.
"""

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from django.db import router, transaction
from django.db.models import Sum

from caching.api import Batch, Unavailable, lock_on_all_nodes
from caching.extend import FAILURES, breaker, confirm, execute, witness_of
from popups.delivery import scripts
from popups.delivery.totals import TOTALS, PopupInShard, Total
from popups.keys import Layout, Shard
from popups.models import Day, Popup, Quota

MOST_AT_ONCE = 1_000
"""The most showings of one grant: so many are stranded while a shard is dead, and twice as many at most."""
ATTEMPTS = 2


class Outcome(Enum):
    """What became of a request for a part of a cap."""

    GRANTED = "granted"
    USED_UP = "used up"
    UNKNOWN = "unknown"
    """A shard that may have an unused part, or may have shown the popup without a cap, cannot be asked."""


class Grant(NamedTuple):
    """The answer to a request, the total cap in the table, and the shards whose totals have to be loaded first."""

    outcome: Outcome
    cap: int | None
    missing: Sequence[Shard] = ()


def request_grant(layout: Layout, each: PopupInShard, seen: Total) -> Grant:
    """Have a shard show more of a popup, having seen that it may not; raises Unavailable and DatabaseError.

    It gets a part of what is left of the cap: the smaller the less is left, one by one at the end. If nothing is left,
    all shards give back what they have not shown.
    """
    for _ in range(ATTEMPTS):
        grant, revision, granted = _grant(layout, each, seen)
        if grant.outcome is Outcome.GRANTED:
            args = [granted, revision, grant.cap]
            command = scripts.grant.command([TOTALS.key(each)], args)
            execute([command], allowed=breaker.may_write)
        if not grant.missing:
            break
        batch = Batch()
        batch.add_all([TOTALS.of(PopupInShard(shard, each.popup_id)) for shard in grant.missing])
        batch.run()
    return grant


def showings_of(popup_ids: Sequence[int], layout: Layout) -> dict[int, int]:
    """Return {popup id: showings to all users}, in the table or not; raises Unavailable."""
    batch = Batch()
    asked = [PopupInShard(shard, popup_id) for shard in layout.shards for popup_id in popup_ids]
    found = {each: batch.add(TOTALS.of(each)) for each in asked}
    batch.run()
    if any(total.result is None for total in found.values()):
        raise Unavailable("the totals cannot be counted")
    shown = Counter({popup_id: _shown_before(popup_id, layout) for popup_id in popup_ids})
    for each, total in found.items():
        shown[each.popup_id] += total.result.shown
    return dict(shown)


def _grant(layout: Layout, each: PopupInShard, seen: Total) -> tuple[Grant, int, int]:
    """Return the answer, and the revision and the whole of what the shard is granted."""
    using = router.db_for_write(Quota)
    with transaction.atomic(using=using):
        quotas = _locked(using, layout, each.popup_id)
        own = quotas[each.shard.number]
        cap = Popup.objects.using(using).filter(pk=each.popup_id).values_list("total_cap", flat=True).first()
        if cap is None:
            return Grant(Outcome.UNKNOWN, None), 0, 0
        is_outdated = any(quota.cap != cap for quota in quotas)
        if is_outdated or own.granted <= seen.limit:  # else the shard has not heard of its last grant
            shown_before = _shown_before(each.popup_id, layout)
            missing: Sequence[Shard] = ()
            if is_outdated or _left(cap, shown_before, quotas) <= 0:
                missing, is_complete = _take_back(using, layout, quotas, cap)
            left = _left(cap, shown_before, quotas)
            if own.cap != cap or any(quota.cap is None for quota in quotas):
                return Grant(Outcome.UNKNOWN, cap, missing), 0, 0
            if left <= 0:
                return Grant(Outcome.USED_UP if is_complete else Outcome.UNKNOWN, cap, missing), 0, 0
            own.granted += min(max(left // (2 * len(quotas)), 1), MOST_AT_ONCE)
        own.revision = max(own.revision, seen.revision) + 1
        own.save(using=using, update_fields=["granted", "revision"])
    return Grant(Outcome.GRANTED, cap), own.revision, own.granted


def _locked(using: str, layout: Layout, popup_id: int) -> list[Quota]:
    """Lock the quotas of all shards, in their order; those that are missing are made."""
    rows = Quota.objects.using(using).filter(popup_id=popup_id, layout=layout.number).order_by("shard")
    if rows.count() < len(layout.shards):
        new = [Quota(popup_id=popup_id, layout=layout.number, shard=shard.number) for shard in layout.shards]
        Quota.objects.using(using).bulk_create(new, ignore_conflicts=True)
    locked = list(rows.select_for_update())
    lock_on_all_nodes(rows.filter(shard=locked[0].shard), "revision")
    return locked


def _shown_before(popup_id: int, layout: Layout) -> int:
    """Return the showings by older layouts, all of which are in the table; an only shard counts them itself.

    The drain adds to a day and to a quota in one transaction, so the difference stands while the quotas are locked.
    """
    if len(layout.shards) == 1:
        return 0
    using = router.db_for_write(Quota)
    days = Day.objects.using(using).filter(popup_id=popup_id)
    quotas = Quota.objects.using(using).filter(popup_id=popup_id, layout=layout.number)
    return _sum(days) - _sum(quotas)


def _sum(rows: Any) -> int:
    return int(rows.aggregate(total=Sum("shown"))["total"] or 0)


def _left(cap: int, shown_before: int, quotas: Sequence[Quota]) -> int:
    return cap - shown_before - sum(quota.granted for quota in quotas)


def _take_back(using: str, layout: Layout, quotas: Sequence[Quota], cap: int) -> tuple[list[Shard], bool]:
    """Limit each shard to what it has shown; return the shards that have no total, and whether all could be limited."""
    missing: list[Shard] = []
    is_complete = True
    for shard, quota in zip(layout.shards, quotas, strict=True):
        try:
            answer = _limit_to_shown(shard, quota, cap)
        except FAILURES:
            is_complete = False
            continue
        if answer is None:
            missing.append(shard)
            is_complete = False
            continue
        quota.granted, quota.revision = answer
        quota.cap = cap
        quota.save(using=using, update_fields=["granted", "revision", "cap"])
    return missing, is_complete


def _limit_to_shown(shard: Shard, quota: Quota, cap: int) -> tuple[int, int] | None:
    """Return what the shard has shown, which is its limit now, and the revision of this; None if it has no total."""
    key = TOTALS.key(PopupInShard(shard, quota.popup_id))
    witness = witness_of(key)
    (answer,) = execute([scripts.take_back.command([key], [quota.revision, cap])], allowed=breaker.may_write)
    if not confirm(witness, key):
        raise Unavailable("no replica has the new limit, a failover would bring the old one back")
    return (int(answer[0]), int(answer[1])) if answer else None
