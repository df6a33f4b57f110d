"""Readers and writers of one row as threads that stop before every step of the cache protocol.

The code that they run is the application's; see tests/caching/exploration.py for what drives them.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from caching.entries import id_sets, rows
from caching.protocol import steps
from caching.redis.epochs import epochs
from caching.writing import transactions
from tests.testapp.models import Author

NONE = -1  # versions are numbers: version n is the value of the n-th commit
Body = Callable[["Actor"], None]


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
        self.asks = False  # asking the database about a hold is one step, with the step before it
        self.seen: bytes | None = None  # the entry that a reader wants to replace
        self.epoch = 0
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
    for name in ("fetch", "lease", "fill", "lift"):
        _stop_before(patch, steps, name)
    _stop_before(patch, steps, "hold", after="write")
    for owner, name in ((rows.Rows, "load"), (id_sets.IdSet, "load"), (id_sets.IdSet, "load_asked")):
        _stop_before(patch, owner, name)


def _stop_before(patch: Any, owner: Any, name: str, after: str | None = None) -> None:
    real = getattr(owner, name)

    def step(*args: Any, **options: Any) -> Any:
        actor = current()
        sends_nothing = name in {"lease", "fill"} and not (args[0] or options.get("scripted"))
        if actor is None or actor.asks or sends_nothing:
            return real(*args, **options)
        if name == "lease":
            (actor.seen,) = args[0].values()
        if name in {"lease", "hold", "lift"}:
            actor.epoch = epochs.version  # the actor's own, which it has just looked at
        if actor.step == "start":
            actor.step = name
        else:
            actor.pause(f"{name} asked" if options.get("asked") else name)
        if name in {"lease", "hold"}:
            actor.token = args[1]
        result = real(*args, **options)
        if name == "lease":
            actor.leased = None in result.values()
        if after:
            actor.pause(after)
        return result

    patch.setattr(owner, name, step)


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
