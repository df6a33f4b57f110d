"""Asking several servers at once, each within a time limit: one that hangs keeps nobody from what the others say."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from jobs.bulkhead import Bulkhead
from operations.text import said

LIMIT_S = 1.5
THREADS = 4  # for each server
Server = Literal["database", "redis", "both"]


class Call(NamedTuple):
    """A function that asks a server, and how long it may take. It is not called twice at once under one name."""

    server: Server
    function: Callable[[], Any]
    limit_s: float = LIMIT_S


class Answer(NamedTuple):
    """What a call returned, and after how many ms; or `error`, which tells why there is no value."""

    value: Any = None
    error: str = ""
    took_ms: float = 0.0


_bulkheads = {server: Bulkhead(f"operations-{server}", THREADS) for server in get_args(Server)}


def gather(calls: Mapping[str, Call]) -> dict[str, Answer]:
    """Return the answers of all calls by name, as late as the longest limit; raises nothing."""
    begun = {name: _bulkheads[call.server].begin(name, call.function) for name, call in calls.items()}
    answers = {name: pending.answer(calls[name].limit_s) for name, pending in begun.items()}
    return {
        name: Answer(value, "" if error is None else said(error), took_ms)
        for name, (value, error, took_ms) in answers.items()
    }


def ask(name: str, call: Call) -> Answer:
    """Return the answer of one call; raises nothing."""
    return gather({name: call})[name]
