"""Drives the real manager through every interleaving of a few readers and writers of one row.

Each actor is a thread that stops before every step of the protocol until the scheduler lets it go on. Every action
is tried in every state: a run starts from a clean row and key, and goes on to wherever something is untried. A state is
what the future depends on and nothing else, so that many schedules meet in it; that it is no less is held against every
run: what led from one state to another leads there again. (Technique: stateless model checking with state hashing;
Godefroid, VeriSoft, 1997.)
"""

import contextlib
import queue
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection, transaction

from caching.entries import id_sets, rows
from caching.entries.rows import rows_of
from caching.protocol import steps
from caching.redis.client import redis_client
from caching.writing import transactions
from tests.testapp.models import Author

FIRST = "v0"

NOBODY = NONE = -1  # actors and versions are numbers; a version is a value's place in the order of the commits
NEVER = -2  # the version of what was never committed

Body = Callable[["Actor"], None]
Action = tuple[str, int]  # ("go", 1) lets actor 1 do its step; ("expire", NOBODY)
State = tuple[Any, ...]
Move = tuple[str, State]  # an action by an actor's place instead of its number: like actors are interchangeable


class Crash(BaseException):
    """kill -9: whatever the actor's handlers would still do has no effect any more."""


class RollBack(Exception):
    pass


class Actor(threading.Thread):
    """One reader or writer, reused for all schedules; `step` is what it will do when it is let go."""

    def __init__(self, name: str, body: Body, rounds: int = 1) -> None:
        super().__init__(name=name, daemon=True)
        self.body, self.rounds = body, rounds
        self.go: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.stopped: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.reset()
        self.start()

    def reset(self) -> None:
        self.step, self.crashed, self.round = "start", False, 0
        self.token, self.leased = "", False
        self.version, self.floor = NONE, 0  # what it has loaded or committed; the oldest that it may be answered
        self.saw: Any = None
        self.error: Exception | None = None

    @property
    def writes(self) -> bool:
        return self.body in LOCKING_STEP

    @property
    def value(self) -> str:
        """What it writes in this round."""
        return f"{self.name}.{self.round}"

    @property
    def over(self) -> bool:
        return self.step in {"done", "crashed", "rolled back"}

    def pause(self, step: str) -> None:
        if self.crashed:
            raise Crash
        self.step = step
        self.stopped.put(None)
        decision = self.go.get()
        if decision == "crash":
            self.crashed = True
            raise Crash
        if decision == "roll back":
            raise RollBack

    def advance(self, decision: str = "go") -> None:
        self.go.put(decision)
        self.stopped.get(timeout=30)
        if self.error:
            raise self.error

    def run(self) -> None:
        while self.go.get() != "end":
            try:
                self.body(self)
                self.step = "done"
            except RollBack:
                self.step = "rolled back"
            except Crash:
                self.step = "crashed"
            except Exception as error:
                self.error, self.step = error, "done"
            self.stopped.put(None)
        connection.close()


def current() -> Actor | None:
    thread = threading.current_thread()
    return thread if isinstance(thread, Actor) else None


def stepwise(patch: Any) -> None:
    """Make every step of the real code stop for the scheduler, when an actor takes it."""

    def stop_before(owner: Any, name: str, after: str | None = None) -> None:
        real = getattr(owner, name)

        def step(*args: Any, **options: Any) -> Any:
            actor = current()
            if actor is None or (name == "fill" and not (args[0] or options.get("scripted"))):
                return real(*args, **options)  # nothing to fill: Redis is not asked
            if actor.step == "start":
                actor.step = name
            else:
                actor.pause(name)
            if name in {"lease", "hold"}:
                actor.token = args[1]
            result = real(*args, **options)
            if name == "lease":
                actor.leased = None in result.values()
            if after:
                actor.pause(after)
            return result

        patch.setattr(owner, name, step)

    for name in ("fetch", "lease", "fill", "lift"):
        stop_before(steps, name)
    stop_before(steps, "hold", after="write")
    for owner, name in ((rows.Rows, "load"), (id_sets.IdSet, "load"), (id_sets.IdSet, "load_asked")):
        stop_before(owner, name)


def read(actor: Actor) -> None:
    actor.saw = Author.objects.get_one(1).name


def read_in_old_snapshot(actor: Actor) -> None:
    """A transaction that has looked at the table long before it asks for the row."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()  # which sets the mode
        connection.transaction_mode = "DEFERRED"
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    with transaction.atomic():
        Author.objects.get(pk=1)
        actor.step = "in transaction"  # no longer "start": it stops before it looks
        Author.objects.get_one(1)


def save(actor: Actor) -> None:
    """The hold comes before the row lock, and a rollback leaves it to expire."""
    with transaction.atomic():
        Author(pk=1, name=actor.value, email="a@x").save(force_update=True, update_fields=["name"])
        actor.pause("commit")


def save_or_withdraw(actor: Actor) -> None:
    """A rollback lifts at once."""
    with transactions.atomic_write("default"):
        Author(pk=1, name=actor.value, email="a@x").save(force_update=True, update_fields=["name"])
        actor.pause("commit")


def update(actor: Actor) -> None:
    """The row lock comes before the hold."""
    with transaction.atomic():
        Author.objects.filter(pk=1).update(name=actor.value)
        actor.pause("commit")


# Which step of a writer would wait for another one's row lock; SQLite locks everything at BEGIN.
LOCKING_STEP = {save: "write", save_or_withdraw: "write", update: "start"}


class Entry(NamedTuple):
    """What stands at the key: the first byte, which tells its state, and whose tokens."""

    kind: str = ""
    owners: frozenset[int] = frozenset()


class Schedule:
    """One run of the actors from the clean state."""

    evicts_holds = False  # of writers who are at work; that is for runs without a crash, after which only holds tell

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
        """See what stands in Redis: once after each action, as nobody else is there."""
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
        """The committed value, once this actor has committed."""
        return actor.value

    def actions(self) -> list[Action]:
        possible = []
        for number, actor in enumerate(self.actors):
            if actor.over:
                continue
            if not (actor.writes and self.lock and actor.step == self._locking_step(actor)):
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
        """Whether it will write, for which it waits for nobody, and which nobody sees before its commit. It does so at
        once: any other order comes to the same, and so does a crash before the write to one before the commit."""
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
        """All that the future depends on; the same whichever of several like actors did what."""
        orphaned = any(number == NOBODY or self.actors[number].over for number in self.entry.owners)
        readers_to_come = any(not actor.writes and actor.step == "start" for actor in self.actors)
        acknowledged = self.age(self.acknowledged) if readers_to_come else NONE
        places = sorted(map(self.place, range(len(self.actors))))
        return self.entry.kind, orphaned, self.age(self.served), acknowledged, self.crashes_left, *places

    def age(self, version: int) -> int:
        """How many commits ago: only which is older counts, not how many there have been."""
        return NONE if version == NONE else len(self.commits) - 1 - version

    def place(self, number: int) -> State:
        """All of the state that is one actor's; nobody has none."""
        if number == NOBODY:
            return ()
        actor = self.actors[number]
        if actor.over:
            return ("over",)
        # Later the database answers, which is behind nothing acknowledged.
        floor = self.age(actor.floor) if actor.step in {"fetch", "lease"} else NONE
        claims = number in self.entry.owners, actor is self.lock
        return actor.step, actor.body.__name__, actor.leased, self.age(actor.version), floor, *claims

    def end(self) -> None:
        """Free every thread and lock."""
        for actor in self.actors:
            if actor.step == "start":
                actor.step = "done"
            if not actor.over:
                actor.advance("crash")


class HoldEvictingSchedule(Schedule):
    evicts_holds = True


@contextlib.contextmanager
def acting(bodies: Sequence[Body], rounds: int = 1) -> Iterator[list[Actor]]:
    ordered = sorted(bodies, key=lambda body: body.__name__)
    actors = [Actor(f"a{number}", body, rounds) for number, body in enumerate(ordered)]
    try:
        yield actors
    finally:
        for actor in actors:
            if actor.step not in {"start", "done", "crashed", "rolled back"}:
                actor.advance("crash")  # a failing check left it in the middle of its schedule
            actor.go.put("end")
            actor.join()


class Known(dict[State, dict[Move, State | None]]):
    """Which state each move leads to from each state; None where it is untried."""

    def __init__(self) -> None:
        self._exhausted: set[State] = set()
        self._chance = random.Random(1)

    def next_move(self, state: State) -> Move | None:
        """One that is untried, or else leads to where one is; None if all is known from here.

        Which of them is left to chance: in a fixed order more would be left over that take a run of their own.
        """
        moves = list(self[state].items())
        self._chance.shuffle(moves)
        for move, following in moves:
            if following is None:
                return move
        for move, following in moves:
            if following not in self._exhausted and self.next_move(following):
                return move
        self._exhausted.add(state)
        return None


def explore(
    bodies: Sequence[Body], *, crashes: int = 0, stop_at_first: bool = False, of: type[Schedule] = Schedule
) -> tuple[Known, list[str]]:
    """Every move from every state; returns them, and violations with the schedules that lead to them."""
    known, found, path = Known(), [], None
    with acting(bodies) as actors:
        while path != [] and not (found and stop_at_first):
            schedule = of(actors, crashes)
            path = _run(schedule, known)
            found += [f"{violation}: {path}" for violation in schedule.violations]
            schedule.end()
    return known, found


def _run(schedule: Schedule, known: Known) -> list[Action]:
    """Goes on as long as something is untried that can still be reached; returns what was done."""
    path: list[Action] = []
    state = schedule.state()
    while True:
        possible = schedule.moves()
        if state not in known:
            schedule.check()
            known[state] = dict.fromkeys(possible)
        if (move := known.next_move(state)) is None:
            return path
        path.append(possible[move])
        schedule.do(*path[-1])
        following = schedule.state()
        assert known[state][move] in {None, following}, f"the state does not tell all that counts: {path}"
        known[state][move] = following
        state = following


def wander(bodies: Sequence[Body], *, rounds: int, schedules: int, crashes: int, seed: int) -> list[str]:
    """Random schedules of actors who each act several times; returns violations with their schedules."""
    chance = random.Random(seed)
    found: list[str] = []
    with acting(bodies, rounds) as actors:
        for _ in range(schedules):
            schedule, path = Schedule(actors, crashes), []
            while possible := schedule.actions():
                path.append(chance.choice(possible))
                schedule.do(*path[-1])
                schedule.check()
            found += [f"{violation}: {path}" for violation in schedule.violations]
            schedule.end()
    return found
