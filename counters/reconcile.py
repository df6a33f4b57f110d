"""Reconciliation: compares counters with the rows they count and mends those that drifted, while writes go on.

The truth and the shown value come from one SQL statement, hence from one snapshot. The difference is appended as one
more delta: a write after the snapshot changes both sides alike, so the sum stays exact.
"""

from collections import Counter as Sums
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import CharField, F, QuerySet, Value

from caching.api import hold_keys, lock_on_all_nodes, repeated
from counters import aggregates, blocks, deltas, queries, registry
from counters.models import Counter, Delta, Reconciliation

CHUNK = 1_000


class Drift(NamedTuple):
    """A counter that differs from the rows that it counts."""

    kind: str
    target_id: int
    name: str
    shown: int
    truth: int

    @property
    def difference(self) -> int:
        """The amount that mends the counter."""
        return self.truth - self.shown

    def delta(self) -> Delta:
        """Return the delta that mends the counter, not saved yet."""
        return Delta(kind=self.kind, target_id=self.target_id, name=self.name, amount=self.difference)

    def __str__(self) -> str:
        return f"{self.kind}:{self.target_id} {self.name}: showed {self.shown}, is {self.truth} ({self.difference:+})"


class Targets(NamedTuple):
    """Targets of a kind: those of these ids, or all from `first` to `last`."""

    first: int
    last: int
    ids: tuple[int, ...] = ()

    def condition(self, column: str) -> dict[str, Any]:
        """Return the condition that a column names one of them."""
        return {f"{column}__in": self.ids} if self.ids else {f"{column}__gte": self.first, f"{column}__lte": self.last}


class Chunk(NamedTuple):
    """The outcome of comparing targets from `first` to `last`: their number, and the counters that drifted."""

    first: int
    last: int
    targets: int
    drifts: list[Drift]


def run(kind: str, *, mend: bool = True, resume: bool = False) -> Iterator[Chunk]:
    """Compare all targets of a kind, in chunks by ascending id; without `mend`, change nothing.

    `resume` continues an interrupted run that mends. Raises UnknownKind.
    """
    registry.counters_of(kind)
    after = interrupted_at(kind) if resume else 0
    while (bounds := _next_chunk(kind, after)) is not None:
        targets = Targets(*bounds)
        yield _compare_and_mend(kind, targets, progress=True) if mend else _compare(kind, targets)
        after = targets.last
    if mend:
        _progress(kind).update(done_up_to=0)


def run_one(kind: str, target_id: int, *, mend: bool = True) -> Chunk:
    """Compare one target and mend its counters; without `mend`, change nothing. Raises UnknownKind."""
    targets = Targets(target_id, target_id)
    return _compare_and_mend(kind, targets, progress=False) if mend else _compare(kind, targets)


def run_some(kind: str, target_ids: Iterable[int]) -> Iterator[Chunk]:
    """Compare some targets and mend their counters, CHUNK at a time. Raises UnknownKind."""
    ids = sorted(target_ids)
    for at in range(0, len(ids), CHUNK):
        chunk = ids[at : at + CHUNK]
        yield _compare_and_mend(kind, Targets(chunk[0], chunk[-1], tuple(chunk)), progress=False)


def interrupted_at(kind: str) -> int:
    """Return the last id that an interrupted run has compared; 0 if no run was interrupted."""
    return _progress(kind).values_list("done_up_to", flat=True).first() or 0


def target_count(kind: str) -> int:
    """Return the approximate number of targets of a kind."""
    return Counter.objects.using(queries.database()).filter(kind=kind).values("target_id").distinct().count()


def _progress(kind: str) -> QuerySet[Reconciliation]:
    return Reconciliation.objects.using(queries.database()).filter(kind=kind)


def _next_chunk(kind: str, after: int) -> tuple[int, int] | None:
    """Return the first and last id of the next CHUNK targets that have counted rows or counters; None at the end."""
    owners: set[int] = set()
    for counter in registry.counters_of(kind).values():
        rows = _edges(counter).filter(**{f"{counter.owner}__gt": after})
        owners.update(rows.order_by(counter.owner).values_list(counter.owner, flat=True).distinct()[:CHUNK])
    for model in (Counter, Delta):
        logged: Any = model._base_manager.using(queries.database()).filter(kind=kind, target_id__gt=after)
        owners.update(logged.order_by("target_id").values_list("target_id", flat=True).distinct()[:CHUNK])
    found = sorted(owners)[:CHUNK]
    return (found[0], found[-1]) if found else None


def _compare_and_mend(kind: str, targets: Targets, *, progress: bool) -> Chunk:
    # Created outside of the transaction: otherwise two first runs would wait for each other's insert.
    Reconciliation.objects.using(queries.database()).get_or_create(kind=kind)
    return repeated(partial(_mend, kind, targets, progress=progress), is_idempotent=True)


def _mend(kind: str, targets: Targets, *, progress: bool) -> Chunk:
    using = queries.database()
    with transaction.atomic(using=using):
        # The lock comes before the snapshot: what another run has mended must be in it, or it would be mended twice.
        _progress(kind).select_for_update().get()
        lock_on_all_nodes(_progress(kind), "done_up_to")
        chunk = _compare(kind, targets)
        hold_keys(using, {blocks.key(blocks.block_of(kind, drift.target_id)) for drift in chunk.drifts})
        deltas.insert(using, [drift.delta() for drift in chunk.drifts])
        if progress:
            _progress(kind).update(done_up_to=targets.last)
    return chunk


def _compare(kind: str, targets: Targets) -> Chunk:
    truths: Sums[tuple[int, str]] = Sums()
    shown: Sums[tuple[int, str]] = Sums()
    for target_id, name, truth, value in _snapshot(kind, targets):
        truths[target_id, name] += int(truth)
        shown[target_id, name] += int(value)
    declared = registry.counters_of(kind)
    drifts = [
        Drift(kind, target_id, name, shown[target_id, name], truths[target_id, name])
        for target_id, name in sorted(truths)
        if name in declared and truths[target_id, name] != shown[target_id, name]
    ]
    return Chunk(targets.first, targets.last, len({target_id for target_id, _ in truths}), drifts)


def _snapshot(kind: str, targets: Targets) -> QuerySet[Any]:
    """Return rows (target id, name, truth, shown), to be added up by counter, from one statement."""
    truths = [_truth(name, counter, targets) for name, counter in registry.counters_of(kind).items()]
    within = {"kind": kind, **targets.condition("target_id")}
    columns = ("target_id", "name", "truth")
    rolled_up = Counter.objects.using(queries.database()).filter(**within).annotate(truth=Value(0))
    pending = Delta.objects.using(queries.database()).filter(**within).annotate(truth=Value(0))
    return rolled_up.values_list(*columns, "value").union(
        pending.order_by().values_list(*columns, "amount"), *truths, all=True
    )


def _truth(name: str, counter: aggregates.CountOf, targets: Targets) -> QuerySet[Any]:
    rows = _edges(counter).filter(**targets.condition(counter.owner))
    grouped: Any = rows.order_by().values(owner_of_row=F(counter.owner)).annotate(truth=counter.total())
    named = grouped.annotate(counter_name=Value(name, CharField()), shown=Value(0))
    return named.values_list("owner_of_row", "counter_name", "truth", "shown")  # type: ignore[no-any-return]


def _edges(counter: aggregates.CountOf) -> QuerySet[Any]:
    rows: QuerySet[Any] = counter.model._base_manager.using(queries.database())
    return rows.filter(counter.where) if counter.where else rows.all()
