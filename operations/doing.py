"""Carrying out an action: the entry in the log before, the outcome after, and what the next step has to know."""

import contextlib
from typing import NamedTuple

from django.core import signing
from django.db import Error

from caching.operate import FAILURES
from operations import audit
from operations.access import Operator
from operations.actions import Action, Step
from operations.text import said

SALT, STATE_S = "operations.doing", 24 * 3_600


class Outcome(NamedTuple):
    """What has come of an action so far. `state` goes with the request for the next step; none if there is none."""

    text: str
    is_failure: bool = False
    done: int = 0
    total: int = 0
    state: str = ""


class BadState(ValueError):
    """What came with the request for a step was not given out for this action; the message says what to do."""


def carry_out(action: Action, operator: Operator, state: str = "") -> Outcome:
    """Do an action, or its next step, and write it down; raises BadState."""
    entry_id, changed = _read(action, state) if state else (None, 0)
    try:
        entry_id = audit.begin(operator, action.name) if entry_id is None else entry_id
        outcome = _step(action.step(), action.name, entry_id, changed) if action.step else Outcome(action.at_once())
    except (*FAILURES, Error) as error:
        outcome = Outcome(f"Not done: {said(error)}", is_failure=True, state=state)
    if entry_id is not None:
        with contextlib.suppress(Error):
            audit.note(entry_id, outcome.text)
    return outcome


def _step(step: Step, name: str, entry_id: int, changed: int) -> Outcome:
    changed += step.changed
    what = f"{changed:,} {'mended' if name.startswith('reconcile') else 'filled'}"
    if step.is_finished:
        return Outcome(f"Finished: {what}.", done=step.total, total=step.total)
    state = signing.dumps([name, entry_id, changed], salt=SALT)
    return Outcome(f"Up to {step.done:,} of {step.total:,}: {what}.", done=step.done, total=step.total, state=state)


def _read(action: Action, state: str) -> tuple[int, int]:
    with contextlib.suppress(signing.BadSignature):
        name, entry_id, changed = signing.loads(state, salt=SALT, max_age=STATE_S)
        if name == action.name:
            return entry_id, changed
    raise BadState("This step belongs to another action, or is a day old. Begin again.")
