"""What operators may do: to one entry at once, and to many in short steps, each a request of its own.

A step ends after STEP_S. Where the next one goes on is kept by the warm-up itself (in Redis) and by the reconciliation
(in its table), so that a run whose browser was closed can be gone on with, by anybody.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from caching.operate import Warming, cached_models, drop, warm
from counters.api import CounterKind, last_target, reconcile, reconcile_one
from counters.api import kinds as counted_kinds
from operations import hot_keys
from operations.kinds import Asked

STEP_S = 1.0
MOST_WARMED = (1_000, 10_000, 100_000)
DROPPED = "The entry is deleted, unless a writer holds it. The next reader loads it from the database."
WARMED = "The entry is read as by any reader: if it is absent, it is loaded from the database and put into Redis."
SAMPLED = (
    "All commands to Redis are listened to for half a second, 20,000 at most from each server, and the most used keys "
    "are shown. Redis is slower while it lasts."
)
VERBS = ("drop", "warm", "reconcile", "sample")


class Step(NamedTuple):
    """How far a run is after a step: a part of `total`, how many entries or counters it has changed in this step."""

    done: int
    total: int
    changed: int
    is_finished: bool


class Action(NamedTuple):
    """Something that can be done: the words by which it is asked for and logged, and what will happen."""

    name: str
    will: str
    at_once: Callable[[], str] = str
    step: Callable[[], Step] | None = None
    """Where it is done in steps: does the next one, `at_once` being of no use."""


def of_entry(asked: Asked) -> dict[str, Action]:
    """Return the actions on one entry, by verb."""
    found = {
        "drop": Action(f"drop {asked}", DROPPED, at_once=partial(_drop, asked)),
        "warm": Action(f"warm {asked}", WARMED, at_once=partial(_warm, asked)),
    }
    if isinstance(asked.kind, CounterKind):
        will = "The counters are compared with the rows that they count. What has drifted is mended by one more delta."
        found["reconcile"] = Action(f"reconcile {asked}", will, at_once=partial(_reconcile_one, asked))
    return found


def of_many() -> dict[str, Action]:
    """Return the actions on many entries, by name."""
    actions = [
        Action("sample the hottest keys", SAMPLED, at_once=hot_keys.sample),
        *(_warming(model, limit) for model in cached_models() for limit in MOST_WARMED),
        *map(_reconciliation, counted_kinds()),
    ]
    return {action.name: action for action in actions}


def _drop(asked: Asked) -> str:
    return "Dropped." if drop(asked.question()) else "Not dropped: the server that has the entry cannot be used now."


def _warm(asked: Asked) -> str:
    warm(asked.question())
    return "Read, and filled if it was absent."


def _reconcile_one(asked: Asked) -> str:
    kind: Any = asked.kind
    drifts = reconcile_one(kind.target, int(asked.texts[0])).drifts
    return f"Mended: {'; '.join(map(str, drifts))}." if drifts else "Nothing had drifted."


def _warming(model: Any, limit: int) -> Action:
    label = model._meta.label
    will = (
        f"The newest {limit:,} rows of {label} are put into Redis, 500 at a time; entries that are there stay. Safe "
        "beside readers and writers. All rows are warmed by manage.py warm_cache."
    )
    return Action(f"warm the newest {limit:,} of {label}", will, step=partial(_warm_step, model, limit))


def _warm_step(model: Any, limit: int) -> Step:
    warming, filled, began = Warming(model, limit=limit, name="page"), 0, time.monotonic()
    for _, fills in warming.run():
        filled += fills
        if time.monotonic() - began >= STEP_S and warming.done < warming.total:
            return Step(warming.done, warming.total, filled, False)
    return Step(warming.total, warming.total, filled, True)


def _reconciliation(kind: str) -> Action:
    will = (
        f"All counters of {kind} are compared with the rows that they count, 1,000 targets in a transaction. What has "
        "drifted is mended by one more delta. Exact beside writers; a run that was interrupted is gone on with."
    )
    return Action(f"reconcile all counters of {kind}", will, step=partial(_reconcile_step, kind))


def _reconcile_step(kind: str) -> Step:
    drifts, last, began = 0, last_target(kind), time.monotonic()
    for chunk in reconcile(kind, resume=True):
        drifts += len(chunk.drifts)
        if time.monotonic() - began >= STEP_S:
            return Step(chunk.last, max(last, chunk.last), drifts, False)
    return Step(last, last, drifts, True)
