"""The sampling check: entries picked at random in Redis are compared with their rows, all the time.

A key is taken by RANDOMKEY, so that what is compared is what readers get. An entry may differ from the database while a
write is under way. So one that differs is looked at again in later steps, and counts as drift only if it has differed
every time for CONFIRM_S. Counters are compared with the rows that they count in one snapshot, which needs no patience;
targets with many rows are left out, as counting them takes the database long.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.core.exceptions import ValidationError

from caching.api import Counts
from caching.operate import Kind, Question, conf, each_server, kinds, load, sight
from counters.api import CounterKind, counted, counter_kinds
from metrics import drift

KEYS = 3  # for each server in a step
CONFIRM_S = 5.0
MOST_SUSPECTS = 100
MOST_COUNTED = 5_000
log = logging.getLogger(__name__)
checked: Counts[str] = Counts()
differing: Counts[str] = Counts()
"""Entries that were compared, and those that have drifted, by the kind of entry."""


class Sample(NamedTuple):
    """An entry to compare."""

    kind: Kind
    question: Question

    def differs(self) -> bool | None:
        """Return whether entry and database differ; None if they cannot be compared now.

        The entry is read before and after the database, and has to be the same.
        """
        before, stored = sight(self.kind, self.question), load(self.question)
        after = sight(self.kind, self.question)
        if not (before.is_usable and after.is_usable) or before.seen.value != after.seen.value:
            return None
        differences = self.kind.differences
        return bool(
            differences(self.question, before.value, stored) and differences(self.question, after.value, stored)
        )


class SamplingCheck:
    """Compares some entries in each step, and looks again at those that differed before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._suspects: dict[str, tuple[float, Sample]] = {}
        self._reported: dict[str, None] = {}
        self._compared: Counter[str] = Counter()
        self._drifted: list[tuple[str, str]] = []

    def step(self) -> None:
        """Compare; raises redis.RedisError, OSError or django.db.Error where a server is away."""
        if not conf().enabled:
            return
        self._compared.clear()
        self._drifted.clear()
        try:
            self._compare()
        finally:
            drift.add(self._compared, self._drifted)

    def _compare(self) -> None:
        for key, (since, sample) in list(self._suspects.items()):
            self._look_again(key, since, sample)
        for sample in _samples():
            if isinstance(sample.kind, CounterKind):
                self._count(sample.kind, sample.question)
            elif (differs := sample.differs()) is not None:
                self._note_compared(sample.kind)
                if differs and len(self._suspects) < MOST_SUSPECTS:
                    self._suspects.setdefault(sample.question.key, (self._clock(), sample))

    def _look_again(self, key: str, since: float, sample: Sample) -> None:
        if not sample.differs():
            del self._suspects[key]
        elif self._clock() - since >= CONFIRM_S:
            del self._suspects[key]
            self._report(sample.kind, key)

    def _count(self, kind: CounterKind, question: Question) -> None:
        target_id = question.source.target_id
        shown = kind.plain(question, load(question))
        if sum(map(abs, shown.values())) > MOST_COUNTED:
            return
        self._note_compared(kind)
        if counted(kind.target, target_id):
            self._report(kind, f"{kind.target}:{target_id}")

    def _note_compared(self, kind: Kind) -> None:
        checked.add(kind.label)
        self._compared[kind.label] += 1

    def _report(self, kind: Kind, key: str) -> None:
        """Count and log a drift; one that stays is reported once."""
        if key not in self._reported:
            if len(self._reported) >= MOST_SUSPECTS:
                self._reported.clear()
            self._reported[key] = None
            differing.add(kind.label)
            self._drifted.append((kind.label, key))
            log.error("The sampling check has found a drift: %s, %s.", kind.label, key)


def _samples() -> Iterator[Sample]:
    """Yield entries of keys that each server picks; keys that are of no kind, or tell not of what, are passed over."""
    by_prefix = [(prefix, kind) for kind in (*kinds(), *counter_kinds()) for prefix in kind.prefixes()]
    by_prefix.sort(key=lambda pair: -len(pair[0]))
    for send in each_server().values():
        for key in send([("RANDOMKEY",)] * KEYS):
            if key is not None and (sample := _sample(key.decode(errors="replace"), by_prefix)) is not None:
                yield sample


def _sample(key: str, by_prefix: list[tuple[str, Kind]]) -> Sample | None:
    key = key.removesuffix(":m")  # the members of an id set
    for prefix, kind in by_prefix:
        if key.startswith(prefix):
            try:
                question = kind.question(*kind.texts_of(key.removeprefix(prefix)))
            except (ValidationError, TypeError, ValueError):
                return None
            return Sample(kind, question) if question.key == key else None
    return None


check = SamplingCheck()
