"""What a run must have kept: each promise, held against the history of all clients and the database at the end."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from tests.faults.history import DONE, FAILED, History, Operation
from tests.faults.linearizability import find_violation
from tests.faults.toggles import number_values

TOGGLES = ("liked", "favorited", "follows", "posted")
STALE_S = 1.0
"""How old an answer may be while a fault of Redis, or of a link to it, lasts (docs/faults.md)."""
OLD_COPY = "Redis comes back from an old copy"
"""A fault after which events of popups that were not in the table yet are lost (docs/faults.md)."""
REDIS = "Redis"  # in the names of such faults
RECOVERY_S = 2.0
"""How long after its end a fault may still be felt."""


class Fault(NamedTuple):
    """A fault of a run: what it was, and when it was brought about and ended, on the clock of the history."""

    name: str
    begin_s: float
    end_s: float

    def __str__(self) -> str:
        return f"{self.begin_s:.3f} – {self.end_s:.3f}  {self.name}"

    def lets_be_old(self, operation: Operation) -> bool:
        """Return whether a read may be old, having gone on while Redis could not be told of writes, or just after."""
        return REDIS in self.name and operation.end_s >= self.begin_s and operation.begin_s <= self.end_s + RECOVERY_S


def find_broken_promises(history: History, truth: dict[str, Any], faults: Iterable[Fault], at_s: float) -> list[str]:
    """Return what was broken, each in a few lines; `truth` is what the database has said from `at_s` on."""
    known = list(faults)
    bound_of = lambda read: STALE_S if any(fault.lets_be_old(read) for fault in known) else 0.0  # noqa: E731
    return [
        *_wrong_registers(history, truth["registers"], bound_of, at_s),
        *_wrong_events(history, truth["events"], [fault for fault in known if fault.name == OLD_COPY]),
        *(f"a post is there {times} times: {text}" for text, times in Counter(truth["texts"]).items() if times > 1),
        *(f"a counter differs from its rows: {drift}" for drift in truth["drifts"]),
        *(f"a follow despite a block: {pair}" for pair in truth["follows despite blocks"]),
        *(f"an answer with a follow and a block: {fact}" for fact in history.facts if fact.kind == "torn"),
    ]


def _wrong_registers(
    history: History, rows: dict[str, Any], bound_of: Callable[[Operation], float], at_s: float
) -> Iterator[str]:
    for key, operations in history.registers.items():
        kind = key.partition(":")[0]
        missing = False if kind in TOGGLES else None
        known = [*operations, Operation("read", key, rows.get(key, missing), "the database", at_s, at_s)]
        if violation := find_violation(number_values(known, bound_of) if kind in TOGGLES else known, bound_of):
            yield str(violation)


def _wrong_events(history: History, events: list[list[Any]], losses: list[Fault]) -> Iterator[str]:
    rows = Counter(tuple(event) for event in events)
    yield from (f"an event is there {times} times: {row}" for row, times in rows.items() if times > 1)
    for fact in history.facts:
        may_be_lost = any(loss.begin_s <= fact.end_s and fact.begin_s <= loss.end_s for loss in losses)
        if fact.kind in ("shown", "click") and (fact.kind, *fact.values) not in rows and not may_be_lost:
            yield f"an event that was acknowledged at {fact.end_s:.3f} is lost: {fact.kind} {fact.values}"


def greatest_staleness_s(history: History) -> tuple[float, int]:
    """Return how old the oldest answer was, measured from the acknowledgement of a newer value to the request, and how
    many answers were old at all."""
    found = [age for operations in history.registers.values() for age in _ages(operations)]
    return max(found, default=0.0), len(found)


def _ages(operations: list[Operation]) -> Iterator[float]:
    writes = [each for each in operations if each.kind == "write" and each.outcome != FAILED]
    if len({each.value for each in writes}) == len(writes):
        by_value = {each.value: each for each in writes}
        for read in operations:
            if read.kind == "read" and (write := by_value.get(read.value)):
                newer = [each.end_s for each in writes if each.outcome == DONE and write.end_s < each.begin_s]
                if newer and min(newer) < read.begin_s:
                    yield read.begin_s - min(newer)
