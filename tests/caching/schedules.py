"""One run of actors on one row, step by step: what is possible next, what has happened, what was violated."""

from typing import Any, NamedTuple

from django.db import connection

from caching.entries.rows import rows_of
from caching.protocol import steps
from caching.redis.client import redis_client
from tests.caching.actors import LOCKING_STEP, NONE, Actor, read_in_old_snapshot
from tests.testapp.models import Author

FIRST = "v0"
NOBODY = NONE  # the number of no actor
NEVER = -2  # the version of a value that was never committed
Action = tuple[str, int]  # ("go", 1): actor 1 does its next step; ("expire", NOBODY): the entry expires
State = tuple[Any, ...]
Move = tuple[str, State]  # an action with the actor's state instead of its number, as equal actors are interchangeable


class Entry(NamedTuple):
    """The stored entry: its first byte (the state) and the numbers of the actors whose tokens it contains."""

    kind: str = ""
    owners: frozenset[int] = frozenset()


class Schedule:
    """One run of the actors, from a clean row and key."""

    # Whether holds of running writers are evicted; only in runs without a crash, which only a hold makes visible.
    evicts_holds = False

    def __init__(self, actors: list[Actor], crashes: int) -> None:
        self.actors, self.crashes_left = actors, crashes
        self.commits: list[Any] = [FIRST]
        self.acknowledged = 0
        self.lock: Actor | None = None
        self.violations: list[str] = []
        for actor in actors:
            actor.reset()
        self.begin()
        self.look()

    def begin(self) -> None:
        self.key = rows_of(Author).key(1)
        redis_client().delete(self.key)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE testapp_author SET name = %s WHERE id = 1", [FIRST])

    def look(self) -> None:
        """Read the entry from Redis: once after each action, as nothing else changes it."""
        raw = redis_client().get(self.key)
        self.entry = self.entry_of(raw)
        self.served = self.version_of(rows_of(Author).decode(1, raw).name) if self.entry.kind == "V" else NONE

    def entry_of(self, raw: bytes | None) -> Entry:
        if raw is None:
            return Entry()
        tokens = []
        if raw[0] == steps.LEASE:
            tokens = [raw[1:]]
        elif raw[0] == steps.HOLD:
            tokens = [raw[at : at + 16] for at in range(1, len(raw) - 28, 29)]
        numbers = {actor.token: number for number, actor in enumerate(self.actors)}
        return Entry(chr(raw[0]), frozenset(numbers.get(token.decode(), NOBODY) for token in tokens))

    def version_of(self, value: Any) -> int:
        return self.commits.index(value) if value in self.commits else NEVER

    def written_by(self, actor: Actor) -> Any:
        """Return the committed value after this actor's commit."""
        return actor.value

    def actions(self) -> list[Action]:
        possible = []
        for number, actor in enumerate(self.actors):
            if actor.over:
                continue
            may_wait = actor.writes and self.lock not in {None, actor}
            if not (may_wait and actor.step == self._locking_step(actor)):
                possible.append(("go", number))
            if actor.step == "commit":
                possible.append(("roll back", number))
            if self.crashes_left and actor.writes and actor.step != "start":
                possible.append(("crash", number))
        if self.entry.kind in {"L", "V"} or (self.entry.kind == "H" and self._may_lose_hold()):
            possible.append(("expire", NOBODY))
        return possible

    def _may_lose_hold(self) -> bool:
        return self.evicts_holds or not self._writers_alive()

    def _locking_step(self, actor: Actor) -> str:
        return "start" if connection.vendor == "sqlite" else LOCKING_STEP[actor.body]

    def moves(self) -> dict[Move, Action]:
        return {(action, self.place(number)): (action, number) for action, number in self.actions()}

    def do(self, action: str, number: int) -> None:
        self.act(action, number)
        for each, actor in enumerate(self.actors):
            if self.is_unnoticed(actor):
                self.act("go", each)
        self.look()

    def is_unnoticed(self, actor: Actor) -> bool:
        """Return whether the actor's next step is a write that waits for no lock.

        Such a write is done at once. No other actor sees it before the commit, so any other order is equivalent, and a
        crash before the write is equivalent to a crash before the commit.
        """
        return actor.step == "write" and self._locking_step(actor) != "write"

    def act(self, action: str, number: int) -> None:
        if action == "expire":
            redis_client().delete(self.key)
            return
        actor = self.actors[number]
        before = actor.step
        if before == "start":
            actor.version, actor.leased, actor.floor = NONE, False, self.acknowledged
        if before in ({"start"} if actor.body is read_in_old_snapshot else {"load", "look_up"}):
            actor.version = len(self.commits) - 1
        if action == "crash":
            self.crashes_left -= 1
        actor.advance(action)
        if actor.writes:
            self._note_write(actor, before, action)
        elif actor.step == "done" and actor.saw is not None and self.version_of(actor.saw) < actor.floor:
            self.violations.append(f"{actor.name} read {actor.saw} after a later write was acknowledged")
        if actor.step == "done" and actor.round + 1 < actor.rounds:
            actor.round += 1
            actor.step = "start"

    def _note_write(self, actor: Actor, before: str, action: str) -> None:
        if before == self._locking_step(actor) and not actor.over:
            self.lock = actor
        elif before == "commit" and action == "go":
            self.commits.append(self.written_by(actor))
            actor.version = len(self.commits) - 1
        if actor.step == "done":
            self.acknowledged = max(self.acknowledged, actor.version)
        if self.lock is actor and (actor.step == "lift" or actor.over):
            self.lock = None

    def check(self) -> None:
        current = len(self.commits) - 1
        if self.served not in {NONE, current} and not self._writers_alive():
            self.violations.append(f"version {self.served} is left behind, the database has {current}")

    def _writers_alive(self) -> bool:
        return any(a.writes and not a.over and a.step != "start" for a in self.actors)

    def state(self) -> State:
        """Return everything that the future depends on; equal actors are interchangeable."""
        orphaned = any(number == NOBODY or self.actors[number].over for number in self.entry.owners)
        readers_to_come = any(not actor.writes and actor.step == "start" for actor in self.actors)
        acknowledged = self.age(self.acknowledged) if readers_to_come else NONE
        places = sorted(map(self.place, range(len(self.actors))))
        return self.entry.kind, orphaned, self.age(self.served), acknowledged, self.crashes_left, *places

    def age(self, version: int) -> int:
        """Return how many commits ago a version was committed; the absolute number does not matter."""
        return NONE if version == NONE else len(self.commits) - 1 - version

    def place(self, number: int) -> State:
        """Return the part of the state that belongs to one actor; () for NOBODY."""
        if number == NOBODY:
            return ()
        actor = self.actors[number]
        if actor.over:
            return ("over",)
        # After these steps the database answers, which is never older than an acknowledged write.
        floor = self.age(actor.floor) if actor.step in {"fetch", "lease", "lease asked"} else NONE
        claims = number in self.entry.owners, actor is self.lock
        return actor.step, actor.body.__name__, actor.leased, self.age(actor.version), floor, *claims

    def end(self) -> None:
        """End the run: release every thread and lock."""
        for actor in self.actors:
            if actor.step == "start":
                actor.step = "done"
            if not actor.over:
                actor.advance("crash")


class HoldEvictingSchedule(Schedule):
    evicts_holds = True
