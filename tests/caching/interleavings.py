"""Drives the real manager through every interleaving of a few readers and writers of one row.

Each actor is a thread that stops before every step of the protocol until the scheduler lets it go on. A schedule is
replayed from a clean row and key; schedules grow depth first, and a state that was reached before is not entered
again. Tokens, threads and values are named by their role, and actors of a kind are interchangeable, so equal states
are recognised. (Technique: stateless model checking with state hashing; Godefroid, VeriSoft, 1997.)
"""

import contextlib
import itertools
import queue
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db import connection, transaction

from caching import holds, idsets, redis_client, sources, store
from caching.sources import rows_of
from tests.shelf.models import Author

FIRST = "v0"

Body = Callable[["Actor"], None]


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
        self.step, self.crashed, self.token = "start", False, ""
        self.round, self.floor, self.version, self.loaded = 0, 0, -1, -1
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
            if actor is None:
                return real(*args, **options)
            if actor.step == "start":
                actor.step = name
            else:
                actor.pause(name)
            if name in {"lease", "hold"}:
                actor.token = args[1]
            result = real(*args, **options)
            if after:
                actor.pause(after)
            return result

        patch.setattr(owner, name, step)

    for name in ("look", "lease", "fill", "lift"):
        stop_before(store, name)
    stop_before(store, "hold", after="write")
    for owner, name in ((sources.Rows, "load"), (idsets.IdSet, "load"), (idsets.IdSet, "look_up")):
        stop_before(owner, name)


def read(actor: Actor) -> None:
    actor.saw = Author.objects.get_one(1).name


def read_in_old_snapshot(actor: Actor) -> None:
    """A transaction that has looked at the table long before it asks for the row."""
    if connection.vendor == "sqlite":
        connection.transaction_mode = "DEFERRED"
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    with transaction.atomic():
        Author.objects.get(pk=1)
        actor.step = "start"
        actor.pause("ask")
        Author.objects.get_one(1)


def save(actor: Actor) -> None:
    """The hold comes before the row lock, and a rollback leaves it to expire."""
    with transaction.atomic():
        Author(pk=1, name=actor.value, email="a@x").save(force_update=True, update_fields=["name"])
        actor.pause("commit")


def save_or_withdraw(actor: Actor) -> None:
    """A rollback lifts at once."""
    with holds.transaction_of("default"):
        Author(pk=1, name=actor.value, email="a@x").save(force_update=True, update_fields=["name"])
        actor.pause("commit")


def update(actor: Actor) -> None:
    """The row lock comes before the hold."""
    with transaction.atomic():
        Author.objects.filter(pk=1).update(name=actor.value)
        actor.pause("commit")


# Which step of a writer would wait for another one's row lock; SQLite locks everything at BEGIN.
LOCKING_STEP = {save: "write", save_or_withdraw: "write", update: "start"}


class Schedule:
    """One run of the actors from the clean state."""

    def __init__(self, actors: list[Actor], crashes: int) -> None:
        self.actors, self.crashes_left = actors, crashes
        self.commits: list[Any] = [FIRST]
        self.acknowledged = 0
        self.lock: Actor | None = None
        self.violations: list[str] = []
        self._entry: str | None = None
        for actor in actors:
            actor.reset()
        self.begin()

    def begin(self) -> None:
        self.key = rows_of(Author).key(1)
        redis_client().delete(self.key)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE shelf_author SET name = %s WHERE id = 1", [FIRST])

    def written_by(self, actor: Actor) -> Any:
        """The committed value, once this actor has committed."""
        return actor.value

    def actions(self) -> list[tuple[str, int]]:
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
        entry = self.entry()
        if entry[:1] in {"L", "V"} or (entry[:1] == "H" and not self._writers_alive()):
            possible.append(("expire", -1))
        return possible

    def _locking_step(self, actor: Actor) -> str:
        return "start" if connection.vendor == "sqlite" else LOCKING_STEP[actor.body]

    def do(self, action: str, number: int) -> None:
        self._entry = None
        self.act(action, number)

    def act(self, action: str, number: int) -> None:
        if action == "expire":
            redis_client().delete(self.key)
            return
        actor = self.actors[number]
        before = actor.step
        if before == "start":
            actor.floor = self.acknowledged
        if not actor.writes and before in {"start", "load", "look_up"}:
            actor.loaded = len(self.commits)  # what a reader has in its hands is part of the state
        if action == "crash":
            self.crashes_left -= 1
        actor.advance(action)
        if actor.writes:
            self._note_write(actor, before, action)
        elif actor.step == "done" and actor.saw is not None and self.commits.index(actor.saw) < actor.floor:
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
        entry = self.entry()
        if entry[:1] == "V" and not self._writers_alive() and entry != f"V{len(self.commits) - 1}":
            self.violations.append(f"{entry} is left behind, the database has {len(self.commits) - 1}")

    def _writers_alive(self) -> bool:
        return any(a.writes and not a.over and a.step != "start" for a in self.actors)

    def entry(self) -> str:
        """What stands there now; Redis is asked once after an action, as nobody else is there."""
        if self._entry is None:
            self._entry = self.look()
        return self._entry

    def look(self) -> str:
        """The key's state, tokens replaced by their owners' names and values by their place in the commit order."""
        raw = redis_client().get(self.key)
        if raw is None:
            return ""
        owners = {actor.token: actor.name for actor in self.actors}
        if raw[0] == store.LEASE:
            return "L" + owners[raw[1:].decode()]
        if raw[0] == store.HOLD:
            tokens = (raw[at : at + 16].decode() for at in range(1, len(raw) - 28, 29))
            return "H" + ",".join(sorted(owners.get(token, "of an earlier round") for token in tokens))
        return f"V{self.commits.index(rows_of(Author).decode(1, raw).name)}"

    def state(self) -> tuple[Any, ...]:
        """Equal for runs that differ only in which of several like actors did what."""
        entry = self.entry()
        return min(self._renamed(entry, order) for order in _orders(self.actors))

    def _renamed(self, entry: str, order: tuple[Actor, ...]) -> tuple[Any, ...]:
        names = {actor.name: str(place) for place, actor in enumerate(order)}
        if entry[:1] in {"L", "H"}:
            owners, bar, kept = entry[1:].partition("|")
            entry = entry[0] + ",".join(sorted(names.get(name, name) for name in owners.split(","))) + bar + kept
        lock = names[self.lock.name] if self.lock else ""
        places = tuple((a.step, a.loaded, self._version(a.saw), a.floor, a.version) for a in order)
        return entry, lock, len(self.commits), self.crashes_left, places

    def _version(self, value: Any) -> int:
        return self.commits.index(value) if value in self.commits else -1

    def end(self) -> None:
        """Free every thread and lock."""
        for actor in self.actors:
            if actor.step == "start":
                actor.step = "done"
            if not actor.over:
                actor.advance("crash")


def _orders(actors: list[Actor]) -> Iterator[tuple[Actor, ...]]:
    kinds = [list(group) for _, group in itertools.groupby(actors, key=lambda actor: actor.body)]
    for orders in itertools.product(*(itertools.permutations(kind) for kind in kinds)):
        yield tuple(itertools.chain.from_iterable(orders))


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


def explore(
    bodies: Sequence[Body], *, crashes: int = 0, stop_at_first: bool = False, of: type[Schedule] = Schedule
) -> tuple[int, list[str]]:
    """Every schedule; returns the number of distinct states, and violations with the schedules that lead to them."""
    seen: set[Any] = set()
    found: list[str] = []
    todo: list[tuple[tuple[str, int], ...]] = [()]
    with acting(bodies) as actors:
        while todo and not (found and stop_at_first):
            path = todo.pop()
            schedule = of(actors, crashes)
            for action in path:
                schedule.do(*action)
            while (state := schedule.state()) not in seen:
                seen.add(state)
                schedule.check()
                first, *others = schedule.actions() or [None]
                todo += [(*path, other) for other in others]
                if first is None:
                    break
                schedule.do(*first)
                path = (*path, first)
            found += [f"{violation}: {path}" for violation in schedule.violations]
            schedule.end()
    return len(seen), found


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
