"""Functions that make the calling process kill itself at a chosen point; called inside a forked process."""

import os
import signal
from collections.abc import Callable
from typing import Any

from django.db import connection


def die(*_: Any, **__: Any) -> None:
    """End this process by SIGKILL: no handler, no rollback, no connection is closed."""
    os.kill(os.getpid(), signal.SIGKILL)


def dies_before(owner: Any, name: str) -> None:
    """Make the process die in place of the next call of `owner.name`."""
    setattr(owner, name, die)


def dies_after(owner: Any, name: str) -> None:
    """Make the process die as soon as the next call of `owner.name` has returned."""
    original: Callable[..., Any] = getattr(owner, name)
    setattr(owner, name, lambda *args, **options: (original(*args, **options), die()))


def dies_at_commit(number: int, when: str) -> None:
    """Make the process die just "before" or just "after" its database commit of this number, counted from 1."""
    left, commit = number, connection._commit

    def counted_commit() -> None:
        nonlocal left
        left -= 1
        if left == 0 and when == "before":
            die()
        commit()
        if left == 0:
            die()

    connection._commit = counted_commit
