"""Direct edits: rows of which a log tells that their counters were not told, such as those of a raw SQL statement.

The application appends its deltas in the transaction that writes the rows. So of each transaction, what the rows change
is what the tables of counters say more or less; where it is not, somebody else has written. These targets are compared
with their rows, as by a reconciliation, which is exact beside live writers, and may be done twice.
"""

from collections import Counter as Sums
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from caching.api import atomic_write, hold_keys
from caching.extend import LoggedTransaction, RowChange, listen
from counters import blocks, reconcile, registry
from counters.models import Counter, Delta

Target = tuple[str, int]
_NUMBERS = {Counter: "value", Delta: "amount"}


class DirectEdits:
    """Compares what each transaction has written to rows and to counters, also where it comes in several parts."""

    def __init__(self) -> None:
        self._missing: Sums[tuple[str, int, str]] = Sums()
        self._targets: set[Target] = set()  # of the rows; of others only the counters were written
        self._unsure: set[Target] = set()

    def __call__(self, using: str, transactions: Sequence[LoggedTransaction]) -> None:
        wrong, moved = set[Target](), set[Target]()
        for each in transactions:
            if each.is_first:
                self._clear()
            for change in each.changes:
                self._add(change)
            if each.is_complete:
                changed = {(kind, target_id) for (kind, target_id, _), amount in self._missing.items() if amount}
                wrong |= (changed & self._targets) | self._unsure
                moved |= changed - self._targets
        _forget(using, moved)
        for kind, target_ids in _by_kind(wrong):
            for _ in reconcile.run_some(kind, target_ids):
                pass

    def _clear(self) -> None:
        for kept in (self._missing, self._targets, self._unsure):
            kept.clear()

    def _add(self, change: RowChange) -> None:
        for row, sign in ((change.before, -1), (change.after, 1)):
            if row is None:
                continue
            if (column := _NUMBERS.get(change.model)) is not None:
                self._missing[row.kind, row.target_id, row.name] -= sign * getattr(row, column)
            else:
                self._add_row(change.model, row, sign)

    def _add_row(self, model: Any, row: Any, sign: int) -> None:
        for kind, name, counter in registry.counters_fed_by(model):
            if (target_id := getattr(row, counter.owner)) is not None:
                self._targets.add((kind, target_id))
                contribution = counter.contribution_of(row)
                if contribution is None:  # only the database can tell
                    self._unsure.add((kind, target_id))
                self._missing[kind, target_id, name] += sign * (contribution or 0)


def watch(model: Any) -> None:
    """Hear of the rows of a counted model."""
    for each in (model, Counter, Delta):
        listen(each, _edits)


def _forget(using: str, targets: Iterable[Target]) -> None:
    """Have cached values read again, of counters that were written by themselves."""
    keys = {blocks.key(blocks.block_of(*target)) for target in targets if target[0] in registry.kinds()}
    if keys:
        with atomic_write(using):
            hold_keys(using, keys)


def _by_kind(targets: Iterable[Target]) -> Iterator[tuple[str, list[int]]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for kind, target_id in targets:
        found[kind].append(target_id)
    yield from found.items()


_edits = DirectEdits()
