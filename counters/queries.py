"""Queries for counter values: rolled-up values and pending deltas, in one SQL statement for any number of targets."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import reduce
from operator import or_

from django.db import router
from django.db.models import Max, Q, Sum

from counters.models import Counter, Delta


def database() -> str:
    """Return the alias of the primary database: a replica may lag behind."""
    return router.db_for_write(Counter)


def read(targets: Mapping[str, Collection[int]]) -> Iterator[tuple[str, int, str, int, int]]:
    """Yield (kind, target id, name, amount, id of the newest delta); the amounts of one counter are to be added up.

    `targets`: ids by kind. Targets without rows do not appear. A counter that drifted may be negative.
    """
    wanted = reduce(or_, (Q(kind=kind, target_id__in=ids) for kind, ids in targets.items()))
    name = ("kind", "target_id", "name")
    rolled_up = Counter.objects.using(database()).filter(wanted).values_list(*name, "value", "last_delta_id")
    pending = Delta.objects.using(database()).filter(wanted).values(*name).order_by()
    summed = pending.annotate(total=Sum("amount"), newest=Max("pk")).values_list(*name, "total", "newest")
    for kind, target_id, counter, amount, newest in rolled_up.union(summed, all=True):
        yield kind, target_id, counter, int(amount), newest


def read_targets(targets: Mapping[str, Collection[int]]) -> dict[tuple[str, int], dict[str, int]]:
    """Return {(kind, target id): {name: value}}; a missing target or name reads as 0."""
    found: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for kind, target_id, name, amount, _ in read(targets):
        found[kind, target_id][name] += amount
    return found
