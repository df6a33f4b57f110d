"""Registers that go back and forth between two values, such as a like, as registers whose values are written once."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from tests.faults.history import FAILED, Operation
from tests.faults.linearizability import exact


def number_values(operations: Iterable[Operation], bound_of: Callable[[Operation], float] = exact) -> list[Operation]:
    """Return the history with the number of its write in the place of each value.

    The writes must come one after the other, and be changes. Left out are reads that took so long, counting the bound,
    that they may be of several writes of the same value: they are right in any case.
    """
    given = list(operations)
    writes = sorted((each for each in given if each.kind == "write" and each.outcome != FAILED), key=_begin)
    numbered = [replace(write, value=number) for number, write in enumerate(writes)]
    for read in given:
        if read.kind == "read":
            begun = [
                number for number, each in enumerate(writes) if each.value == read.value and _begin(each) <= read.end_s
            ]
            fitting = [number for number in begun if _may_be_current(writes, number, read.begin_s - bound_of(read))]
            if len(fitting) < 2:
                numbered.append(replace(read, value=(fitting or begun[-1:] or [repr(read.value)])[0]))
    return numbered


def _begin(operation: Operation) -> float:
    return operation.begin_s


def _may_be_current(writes: list[Operation], number: int, at_s: float) -> bool:
    return number + 1 == len(writes) or writes[number + 1].end_s >= at_s
