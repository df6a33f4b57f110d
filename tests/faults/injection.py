"""Kills inside the processes of an installation: each dies at a point of the protocol, before or after it.

An application of tests.faults.faulty_settings. Each process draws where it dies, and after how many passes,
when it starts or is forked; it notes that in the file CRASHES before it dies.
"""

import os
import random
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.support.crashes import die

_OF_BOTH = (
    "caching.protocol.steps:hold",
    "caching.protocol.steps:lift",
    "caching.protocol.pending:apply_pending",
    "django.db.backends.base.base:BaseDatabaseWrapper._commit",
)
POINTS = {
    "web": (
        *_OF_BOTH,
        "caching.protocol.steps:lease",
        "caching.protocol.steps:fill",
        "popups.delivery.next_popup:NextPopup._request_claim",
    ),
    "worker": (
        *_OF_BOTH,
        "counters.rollup:_add",
        "counters.rollup:_delete",
        "popups.events.stream:take",
        "popups.events.drain:write",
        "popups.events.stream:acknowledge",
        "binlog.follower:Follower._deal_with",
    ),
}
"""By the kind of process, CRASHING."""
MOST_PASSES = {"web": 20, "worker": 2}  # a worker takes seconds to start
LONGEST_WAIT = 100
"""Passes of any points after which a process that does not come to its own point dies at the next."""


class Fate:
    """Where this process dies."""

    def __init__(self) -> None:
        self._file = os.open(os.environ["CRASHES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._process = os.environ["CRASHING"]
        self.draw()

    def draw(self) -> None:
        """Choose a point and a side of it."""
        chance = random.Random(f"{os.environ.get('SEED')} {os.getpid()}")
        self._point, self._side = chance.choice(POINTS[self._process]), chance.choice(["before", "after"])
        self._left, self._passed = chance.randint(1, MOST_PASSES[self._process]), 0

    def meet(self, point: str, side: str) -> None:
        """Die if this is the point, the side and the pass."""
        self._passed += 1
        if (point, side) == (self._point, self._side):
            self._left -= 1
            if self._left == 0:
                os.write(self._file, f"{side} {point}\n".encode())
                die()
        elif self._passed > LONGEST_WAIT:
            self._passed, self._left = 0, 1
            self._point, self._side = point, side


def inject() -> None:
    """Have this process, and each that is forked from it, die at a point of its own."""
    fate = Fate()
    os.register_at_fork(after_in_child=fate.draw)
    for point in POINTS[os.environ["CRASHING"]]:
        module, _, path = point.partition(":")
        owner: Any = import_module(module)
        *classes, name = path.split(".")
        for each in classes:
            owner = getattr(owner, each)
        setattr(owner, name, _dying(getattr(owner, name), point, fate))


def _dying(function: Callable[..., Any], point: str, fate: Fate) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        fate.meet(point, "before")
        answer = function(*args, **options)
        fate.meet(point, "after")
        return answer

    return call
