"""Schedules in which Redis fails over once, to a replica that has the entry as it was at any moment before."""

from typing import Any

from caching.entries.rows import rows_of
from caching.redis.client import redis_client
from caching.redis.epochs import NO_ID, Run, epochs
from tests.caching.actors import Actor
from tests.caching.schedules import NOBODY, Action, Entry, Schedule, State
from tests.testapp.models import Author

FIRST_RUN, SECOND_RUN = Run("a" * 40, NO_ID, 1), Run("b" * 40, "a" * 40, 0)
MARK = b"Ebbbbbbbb"
OLD = "O"  # the state of an entry of the first run that is found in the second


class FailoverSchedule(Schedule):
    """ "replicate": the replica gets the entry of now, and none of later; "fail over": it is promoted, and all have
    agreed on that."""

    def __init__(self, actors: list[Actor], crashes: int) -> None:
        for actor in actors:
            actor.is_late = actor.gives_up = False
            actor.in_flight = None
        super().__init__(actors, crashes)

    def begin(self) -> None:
        super().begin()
        self.replica: bytes | None = None
        self.has_failed_over = self.has_replicated = False
        self._enter(FIRST_RUN, b"")

    def _enter(self, run: Run, mark: bytes) -> None:
        epochs.forget(None)
        epochs.runs[None] = run
        epochs.believe(None, run, mark)
        self.version = epochs.version

    def look(self) -> None:
        raw = redis_client().get(self.key)
        self.entry, self.served = self._meaning(raw)
        self.raw = raw

    def _meaning(self, raw: bytes | None) -> tuple[Entry, int]:
        """Return the state of an entry, and the version that readers in the present run get from it."""
        if raw is None or raw[:1] in b"LH":
            return self.entry_of(raw), -1
        (found,) = epochs.unmarked([self.key], [raw])
        return (Entry("V"), self._version_in(found)) if found else (Entry(OLD), -1)

    def _version_in(self, entry: bytes) -> int:
        return self.version_of(rows_of(Author).decode(1, entry).name)

    def actions(self) -> list[Action]:
        possible = [each for each in super().actions() if each[0] != "roll back"]  # within a COMMIT
        if self.entry.kind == OLD:
            possible.append(("expire", NOBODY))
        if not self.has_failed_over:
            possible.append(("fail over", NOBODY))
            if not self.has_replicated:
                possible.append(("replicate", NOBODY))
        return possible

    def act(self, action: str, number: int) -> None:
        if action == "replicate":
            self.replica, self.has_replicated = redis_client().get(self.key), True
        elif action == "fail over":
            self.has_failed_over = True
            redis_client().delete(self.key)
            if self.replica is not None:
                redis_client().set(self.key, self.replica)
            self.replica = None
            self._enter(SECOND_RUN, MARK)
        else:
            super().act(action, number)

    def _told(self, raw: bytes | None) -> tuple[str, bool, int, frozenset[int]]:
        """Return what counts of an entry: actors that are over are interchangeable."""
        entry, served = self._meaning(raw)
        living = frozenset(each for each in entry.owners if each != NOBODY and not self.actors[each].over)
        return entry.kind, living != entry.owners, self.age(served), living

    def state(self) -> State:
        return *super().state(), self.has_failed_over, self.has_replicated, *self._told(self.replica)[:3]

    def place(self, number: int) -> State:
        if number == NOBODY:
            return ()
        actor: Any = self.actors[number]
        if actor.over:
            return super().place(number)
        wants = (actor.seen is None, actor.seen == self.raw) if actor.step.startswith("lease") else ()
        is_behind = actor.step != "start" and actor.epoch != self.version
        return *super().place(number), *wants, number in self._told(self.replica)[3], is_behind
