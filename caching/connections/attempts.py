"""Repeating work that a database has refused for a passing reason: as a whole, outside of any transaction.

On Galera a write that another node was ahead of fails at its COMMIT (1213), and a writer's node may die; on any server
there are deadlocks. Nothing of a transaction that was undone remains, so the work may be done again. After a COMMIT
without an answer nobody knows whether it took effect: only work that may be done twice is repeated then.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import Error, connections

from .failures import is_of_no_use, is_passing
from .following import effects

T = TypeVar("T")

MOST = 3
FIRST_PAUSE_S = 0.05
LONGEST_S = 10
"""No attempt is begun later than this after the first one: who waited for so long has to be answered. A failover takes
less; a node of Galera that lets the others wait (flow control) may hold up each COMMIT until the client gives it up."""


class Attempts:
    """The attempts at one piece of work."""

    def __init__(self, *, is_idempotent: bool) -> None:
        """`is_idempotent`: whether the work may be done once more although it may have been done already."""
        self._is_idempotent = is_idempotent
        self._made = 0
        self._effects = 0
        self._gives_up_at = time.monotonic() + LONGEST_S
        self.is_unsure = False
        """Whether an attempt that failed may have taken effect."""

    def begin(self) -> None:
        """Begin an attempt."""
        self._made += 1
        self._effects = effects.count

    def may_go_on(self, error: BaseException) -> bool:
        """Return whether another attempt is to be made after an error; it must come after all transactions ended.

        Connections that are of no use are closed: a node that has lost its cluster answers pings, so they would stay.
        """
        open_connections = connections.all(initialized_only=True)
        if not is_passing(error) or any(connection.in_atomic_block for connection in open_connections):
            return False  # or a transaction surrounds the work
        if is_of_no_use(error):
            for connection in open_connections:
                connection.close()
        if self._made >= MOST or time.monotonic() > self._gives_up_at:
            return False
        has_effects = effects.count != self._effects
        self.is_unsure |= has_effects
        return self._is_idempotent or not has_effects

    def pause(self) -> None:
        """Wait a little, longer each time and not as long as others do."""
        time.sleep(FIRST_PAUSE_S * 2 ** (self._made - 1) * random.uniform(0.5, 1.5))


def repeated(work: Callable[[], T], *, is_idempotent: bool) -> T:
    """Return what `work` returns, which is repeated where the database refuses it for a passing reason."""
    attempts = Attempts(is_idempotent=is_idempotent)
    while True:
        attempts.begin()
        try:
            return work()
        except Error as error:
            if not attempts.may_go_on(error):
                raise
            attempts.pause()
