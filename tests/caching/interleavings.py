"""Explore every interleaving of a few readers and writers of one row, on the real manager, Redis and database.

Each actor is a thread that stops before every step of the protocol until the scheduler resumes it. Every action is
tried in every state: a run starts from a clean row and key and continues as long as an untried action can be reached.
A state contains exactly what the future depends on, so that many schedules lead to the same state. Every run checks
that a state contains enough: an action must always lead from one state to the same next state.
(Technique: stateless model checking with state hashing; Godefroid, VeriSoft, 1997.)
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

NOBODY = NONE = -1  # actors and versions are numbers; version n is the value of the n-th commit
NEVER = -2  # the version of a value that was never committed

Body = Callable[["Actor"], None]
Action = tuple[str, int]  # ("go", 1): actor 1 does its next step; ("expire", NOBODY): the entry expires
State = tuple[Any, ...]
Move = tuple[str, State]  # an action with the actor's state instead of its number, as equal actors are interchangeable


class Crash(BaseException):
    """The actor is killed: its exception handlers have no effect any more."""


class RollBack(Exception):
    pass


class Actor(threading.Thread):
    """One reader or writer, reused for all schedules; `step` is the step that it does when it is resumed."""

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
        self.version, self.floor = NONE, 0  # loaded or committed version; the oldest version that a read may return
        self.saw: Any = None
        self.error: Exception | None = None

    @property
    def writes(self) -> bool:
        return self.body in LOCKING_STEP

    @property
    def value(self) -> str:
        """The name that the actor writes in this round."""
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
    """Patch the real code so that an actor stops before every step of the protocol."""

    def stop_before(owner: Any, name: str, after: str | None = None) -> None:
        real = getattr(owner, name)

        def step(*args: Any, **options: Any) -> Any:
            actor = current()
            if actor is None or (name == "fill" and not (args[0] or options.get("scripted"))):
                return real(*args, **options)  # nothing to fill, so no command is sent to Redis
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
    """Read in a transaction whose snapshot is older than the read."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()  # sets the transaction mode, which is changed below
        connection.transaction_mode = "DEFERRED"
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    with transaction.atomic():
        Author.objects.get(pk=1)
        actor.step = "in transaction"  # no longer "start", so that the actor stops before its read
        Author.objects.get_one(1)


def save(actor: Actor) -> None:
    """Write by save(): the hold comes before the row lock, and after a rollback the hold expires."""
    with transaction.atomic():
        Author(pk=1, name=actor.value, email="a@x").save(force_update=True, update_fields=["name"])
        actor.pause("commit")


def save_or_withdraw(actor: Actor) -> None:
    """Write in atomic_write(): a rollback lifts the hold at once."""
    with transactions.atomic_write("default"):
        Author(pk=1, name=actor.value, email="a@x").save(force_update=True, update_fields=["name"])
        actor.pause("commit")


def update(actor: Actor) -> None:
    """Write by update(): the row lock comes before the hold."""
    with transaction.atomic():
        Author.objects.filter(pk=1).update(name=actor.value)
        actor.pause("commit")


# The step at which a writer would wait for another writer's row lock; SQLite locks the database at BEGIN.
LOCKING_STEP = {save: "write", save_or_withdraw: "write", update: "start"}


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
        floor = self.age(actor.floor) if actor.step in {"fetch", "lease"} else NONE
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


@contextlib.contextmanager
def acting(bodies: Sequence[Body], rounds: int = 1) -> Iterator[list[Actor]]:
    ordered = sorted(bodies, key=lambda body: body.__name__)
    actors = [Actor(f"a{number}", body, rounds) for number, body in enumerate(ordered)]
    try:
        yield actors
    finally:
        for actor in actors:
            if actor.step not in {"start", "done", "crashed", "rolled back"}:
                actor.advance("crash")  # a failed check has left the actor in the middle of its schedule
            actor.go.put("end")
            actor.join()


class Known(dict[State, dict[Move, State | None]]):
    """{state: {move: the state that it leads to, None if the move is untried}}"""

    def __init__(self) -> None:
        self._exhausted: set[State] = set()
        self._chance = random.Random(1)

    def next_move(self, state: State) -> Move | None:
        """Return an untried move, or else a move towards one; None if no untried move can be reached from the state.

        The choice is random: a fixed order would need more runs.
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
    """Try every move from every state; return the moves, and violations with the schedules that lead to them."""
    known, found, path = Known(), [], None
    with acting(bodies) as actors:
        while path != [] and not (found and stop_at_first):
            schedule = of(actors, crashes)
            path = _run(schedule, known)
            found += [f"{violation}: {path}" for violation in schedule.violations]
            schedule.end()
    return known, found


def _run(schedule: Schedule, known: Known) -> list[Action]:
    """Continue as long as an untried move can be reached; return the actions that were done."""
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
    """Run random schedules of actors that each act several times; return violations with their schedules."""
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
