"""Schedules in which time passes for holds, and a COMMIT takes effect after its client has given up, or never.

A writer stops within its COMMIT, after the framework's own work before it. There the client may give up: its holds
stay, its transaction stays open in the database until it takes effect or vanishes. "past" lets the time of all claims
on the entry pass, also while their writers are at work.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from django.db import OperationalError, connections, transaction

from caching.protocol import steps
from caching.redis.client import redis_client
from tests.caching.actors import LOCKING_STEP, Actor, Crash, current
from tests.caching.schedules import NOBODY, Action, Schedule, State
from tests.testapp.models import Author

LONG_AGO = 1_000_000  # all times of claims that are past are smaller, and no two are equal, as in life


class GaveUp(OperationalError):
    """The answer to a COMMIT did not come in time."""


def rename(actor: Actor) -> None:
    """Write by save(), and stop within the COMMIT."""
    connection: Any = connections["default"]
    connection.ensure_connection()
    real = connection._commit
    actor.is_late = False

    def commit() -> Any:
        if actor.step == "lift":  # what is pending, in a transaction of its own
            return real()
        try:
            actor.pause("commit")
        except Crash:
            connection._rollback()
            raise
        if actor.gives_up:
            actor.in_flight, connection.connection = connection.connection, None
            raise GaveUp
        return real()

    connection._commit = commit
    try:
        with transaction.atomic():
            Author(pk=1, name=actor.value, email="a@x").save(force_update=True, update_fields=["name"])
    except GaveUp:
        pass
    finally:
        del connection._commit


LOCKING_STEP[rename] = "write"


def in_one_step(decided: Callable[..., Any]) -> Callable[..., Any]:
    """Return the question to the database, at whose query an actor does not stop."""

    def ask(*args: Any) -> Any:
        actor = current()
        if actor:
            actor.asks = True
        try:
            return decided(*args)
        finally:
            if actor:
                actor.asks = False

    return ask


def clock() -> SimpleNamespace:
    """Return what stands for the module `time` in the framework: for a late actor, much time has passed."""
    return SimpleNamespace(monotonic=lambda: 1e9 if getattr(current(), "is_late", False) else 1.0)


class UndecidedSchedule(Schedule):
    """One COMMIT may be given up by its client."""

    def __init__(self, actors: list[Actor], crashes: int) -> None:
        self.give_ups_left = 1
        self.times_passed = 0
        for actor in actors:
            actor.is_late = actor.gives_up = False
            actor.in_flight = None
        super().__init__(actors, crashes)

    def look(self) -> None:
        super().look()
        self.raw = redis_client().get(self.key) or b""
        self.times = [int(claim[16:]) for claim in self._claims()]
        self.is_past = bool(self.times) and max(self.times) < LONG_AGO

    def _claims(self) -> list[bytes]:
        claims = self.raw[1:].partition(b"|")[0] if self.raw[:1] == b"H" else b""
        return [claims[at : at + steps.CLAIM_BYTES] for at in range(0, len(claims), steps.CLAIM_BYTES)]

    def actions(self) -> list[Action]:
        possible = [each for each in super().actions() if each[0] != "roll back" and not self._is_undecided(each[1])]
        for number, actor in enumerate(self.actors):
            if actor.step == "commit" and self.give_ups_left:
                possible.append(("give up", number))
            if self._is_undecided(number):
                possible += [("take effect", number), ("vanish", number)]
        if self.entry.kind == "H" and not self.is_past:
            possible.append(("past", NOBODY))
        return possible

    def _is_undecided(self, number: int) -> bool:
        return number != NOBODY and self.actors[number].in_flight is not None

    def _writers_alive(self) -> bool:
        return super()._writers_alive() or any(map(self._is_undecided, range(len(self.actors))))

    def act(self, action: str, number: int) -> None:
        if action == "past":
            self._let_time_pass()
        elif action in {"take effect", "vanish"}:
            self._end_in_flight(action, self.actors[number])
        elif action == "give up":
            self.give_ups_left -= 1
            self.actors[number].gives_up = True
            self.actors[number].advance()
            self.lock = self.actors[number]  # its transaction is still open
        else:
            super().act(action, number)

    def _let_time_pass(self) -> None:
        self.times_passed += 1
        floor = b"".join(self.raw.partition(b"|")[1:])
        claims = (claim[:16] + b"%013d" % min(int(claim[16:]), self.times_passed) for claim in self._claims())
        redis_client().set(self.key, b"H" + b"".join(claims) + floor)
        for actor in self.actors:
            actor.is_late |= actor.writes and not actor.over and actor.step != "start"

    def _end_in_flight(self, action: str, actor: Actor) -> None:
        if action == "take effect":
            actor.in_flight.commit()
            self.commits.append(self.written_by(actor))
        else:
            actor.in_flight.rollback()
        actor.in_flight.close()
        actor.in_flight, self.lock = None, None

    def state(self) -> State:
        past = sum(each < LONG_AGO for each in self.times)
        return *super().state(), self.is_past, len(self.times), past, self.give_ups_left

    def place(self, number: int) -> State:
        if number == NOBODY:
            return ()
        actor = self.actors[number]
        wants = (actor.seen is None, actor.seen == self.raw) if actor.step.startswith("lease") else ()
        return *super().place(number), *wants, actor.is_late and not actor.over, actor.in_flight is not None

    def end(self) -> None:
        for actor in self.actors:
            if actor.in_flight is not None:
                self._end_in_flight("vanish", actor)
        super().end()
