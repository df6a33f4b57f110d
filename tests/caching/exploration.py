"""Explore every interleaving of a few readers and writers of one row, on the real manager, Redis and database.

Each actor is a thread that stops before every step of the protocol until the scheduler resumes it. Every action is
tried in every state: a run starts from a clean row and key and continues as long as an untried action can be reached.
A state contains exactly what the future depends on, so that many schedules lead to the same state. Every run checks
that a state contains enough: an action must always lead from one state to the same next state.
(Technique: stateless model checking with state hashing; Godefroid, VeriSoft, 1997.)
"""

import contextlib
import random
from collections.abc import Iterator, Sequence

from tests.caching.actors import Actor, Body
from tests.caching.schedules import Action, Move, Schedule, State


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
