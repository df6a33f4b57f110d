"""Counters: one row each, read with one query for a page, and added to with F()."""

from collections.abc import Sequence

from django.db.models import F

from loadtest.baselines.peers.cache import uncached
from loadtest.baselines.peers.models import Counter

NAMES = {
    "user": ("followers", "following", "posts"),
    "post": ("likes", "comments", "reposts", "favorites"),
    "rating": ("count", "sum", *(f"score_{score}" for score in range(1, 11))),
}


def counts_of(kind: str, ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return {id: {name: value}}; what has no row counts 0."""
    counts = {pk: dict.fromkeys(NAMES[kind], 0) for pk in ids}
    found = Counter.objects.filter(kind=kind, target_id__in=ids, name__in=NAMES[kind])
    for pk, name, value in uncached(found.values_list("target_id", "name", "value")):
        counts[pk][name] = value
    return counts


def add(kind: str, pk: int, **amounts: int) -> None:
    """Add to counters of one target, in the transaction of the rows that they count."""
    for name, amount in amounts.items():
        key = {"kind": kind, "target_id": pk, "name": name}
        if not Counter.objects.filter(**key).update(value=F("value") + amount):
            Counter.objects.create(**key, value=amount)
