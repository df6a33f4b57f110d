"""Whether a register's history could have happened at one place, one operation after the other; if not, which part.

Each value is written at most once, so each read names its write, and a history needs no search: it is judged by the
zones of its values (Gibbons and Korach, "Testing shared memories", 1997). From the first moment at which an operation
on a value has ended to the last at which one begins the value is current throughout: a forward zone. If none ends
before all have begun, the value is current at some moment of that time: a backward zone. A history is linearizable if
and only if no two forward zones overlap and no backward zone lies within a forward one.

A read may be as old as a stated bound: it then counts as begun so much earlier (Golab, Li and Shah, "Analyzing
consistency properties for fun and profit", 2011). A write of unknown outcome has no end; if nobody has read it, it need
not have happened.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tests.faults.history import FAILED, UNKNOWN, Operation


class Violation(NamedTuple):
    """Why a history is wrong, and the fewest of its operations that show it, in order of time."""

    reason: str
    operations: tuple[Operation, ...]

    def __str__(self) -> str:
        return "\n  ".join([f"{self.operations[0].key}: {self.reason}", *map(str, self.operations)])


class Zone(NamedTuple):
    """The operations on one value, and the two of them that bound its zone."""

    low_s: float
    high_s: float
    is_forward: bool
    ended: Operation
    begun: Operation


def exact(_read: Operation) -> float:
    """Return the bound of a read that must be exact."""
    return 0.0


def find_violation(operations: Iterable[Operation], bound_of: Callable[[Operation], float] = exact) -> Violation | None:
    """Return what is wrong with the history of one register; None if it is linearizable.

    `bound_of(read)`: the seconds by which the answer may be old. The first write, of the initial value, is one of the
    operations.
    """
    writes, reads = _by_value(operations)
    for value, those in reads.items():
        if wrong := _impossible(writes.get(value), those):
            return wrong
    zones = [_zone(write, reads.get(value, ()), bound_of) for value, write in writes.items()
             if write.outcome != FAILED and (write.outcome != UNKNOWN or value in reads)]  # fmt: skip
    return min(_conflicts(zones), key=_length, default=None)


def _by_value(operations: Iterable[Operation]) -> tuple[dict[Any, Operation], dict[Any, list[Operation]]]:
    writes: dict[Any, Operation] = {}
    reads: defaultdict[Any, list[Operation]] = defaultdict(list)
    for each in operations:
        if each.kind == "read":
            reads[each.value].append(each)
        else:
            assert each.value not in writes, f"{each.key}: {each.value!r} was written twice"
            writes[each.value] = each
    return writes, reads


def _impossible(write: Operation | None, reads: Sequence[Operation]) -> Violation | None:
    first = min(reads, key=lambda read: read.end_s)
    if write is None:
        return Violation("a value is read that nobody has written", (first,))
    if write.outcome == FAILED:
        return Violation("a value is read whose write was refused", (write, first))
    if first.end_s < write.begin_s:
        return Violation("a value is read before it was written", (first, write))
    return None


def _zone(write: Operation, reads: Sequence[Operation], bound_of: Callable[[Operation], float]) -> Zone:
    ended_s, ended = min([(each.end_s, number) for number, each in enumerate((write, *reads))])
    begun_s, begun = max([(write.begin_s, 0), *((each.begin_s - bound_of(each), n) for n, each in enumerate(reads, 1))])
    together = (write, *reads)
    low_s, high_s = sorted((ended_s, begun_s))
    return Zone(low_s, high_s, ended_s < begun_s, together[ended], together[begun])


def _conflicts(zones: Sequence[Zone]) -> Iterable[Violation]:
    forward = sorted((zone for zone in zones if zone.is_forward), key=lambda zone: zone.low_s)
    for earlier, later in pairwise(forward):
        if later.low_s < earlier.high_s:
            yield _violation("two values were current at once", earlier, later)
    begins = [zone.low_s for zone in forward]
    for zone in zones:
        if not zone.is_forward and (at := bisect_left(begins, zone.low_s)):
            around = forward[at - 1]  # the only one that can, where none overlap
            if zone.high_s < around.high_s:
                yield _violation("an older value is read after a newer one was current", around, zone)


def _violation(reason: str, *zones: Zone) -> Violation:
    shown = {each for zone in zones for each in (zone.ended, zone.begun)}
    return Violation(reason, tuple(sorted(shown, key=lambda each: (each.begin_s, each.end_s))))


def _length(violation: Violation) -> tuple[int, float]:
    return len(violation.operations), violation.operations[-1].begin_s - violation.operations[0].begin_s
