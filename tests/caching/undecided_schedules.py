"""Schedules in which time passes for holds, and a COMMIT takes effect after its client has given up, or never.

A writer stops within its COMMIT, after the framework's own work before it. There the client may give up: its holds
stay, its transaction stays open in the database until it takes effect or vanishes. "past" lets the time of all claims
on the entry pass, also while their writers are at work.
"""

from types import SimpleNamespace
from typing import Any

from django.db import OperationalError, connections, transaction

from caching.protocol import steps
from caching.redis.client import redis_client
from tests.caching.actors import LOCKING_STEP, Actor, Crash, current
from tests.caching.schedules import NOBODY, Action, Schedule, State
from tests.testapp.models import Author

PAST = b"%013d" % 1


class GaveUp(OperationalError):
    """The answer to a COMMIT did not come in time."""


def rename(actor: Actor) -> None:
    """Write by save(), and stop within the COMMIT."""
    connection: Any = connections["default"]
    connection.ensure_connection()
    real = connection._commit
    actor.is_late = False

    def commit() -> None:
        try:
            actor.pause("commit")
        except Crash:
            connection._rollback()
            raise
        if actor.gives_up:
            actor.in_flight, connection.connection = connection.connection, None
            raise GaveUp
        real()

    connection._commit = commit
    try:
        with transaction.atomic():
            Author(pk=1, name=actor.value, email="a@x").save(force_update=True, update_fields=["name"])
    except GaveUp:
        pass
    finally:
        del connection._commit


LOCKING_STEP[rename] = "write"


def clock() -> SimpleNamespace:
    """Return what stands for the module `time` in the framework: for a late actor, much time has passed."""
    return SimpleNamespace(monotonic=lambda: 1e9 if getattr(current(), "is_late", False) else 1.0)


class UndecidedSchedule(Schedule):
    """One COMMIT may be given up by its client."""

    def __init__(self, actors: list[Actor], crashes: int) -> None:
        self.give_ups_left = 1
        for actor in actors:
            actor.is_late = actor.gives_up = False
            actor.in_flight = None
        super().__init__(actors, crashes)

    def look(self) -> None:
        super().look()
        self.raw = redis_client().get(self.key) or b""
        self.is_past = self.raw[:1] == b"H" and steps.deadline_ms(self.raw) == int(PAST)

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
        claims, bar, floor = self.raw[1:].partition(b"|")
        tokens = [claims[at : at + 16] for at in range(0, len(claims), steps.CLAIM_BYTES)]
        redis_client().set(self.key, b"H" + b"".join(token + PAST for token in tokens) + bar + floor)
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
        claims = len(self.raw) // steps.CLAIM_BYTES if self.entry.kind == "H" else 0
        return *super().state(), self.is_past, claims, self.raw.count(PAST), self.give_ups_left

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
