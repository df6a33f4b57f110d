"""Writes of rows that refer to a user and to another row, such as follows, likes and scores."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, OperationalError, connections

from caching.api import atomic_write

ATTEMPTS = 5


@contextmanager
def referring_write(using: str, *referenced: tuple[Any, int | None]) -> Iterator[None]:
    """Open a transaction; raise DoesNotExist of the first (model, pk) that was deleted while the body ran.

    Within a transaction of the caller's, IntegrityError is raised instead, as no further query is possible there.
    """
    try:
        with atomic_write(using):
            yield
    except IntegrityError:  # SQLite raises it only at the commit
        if not connections[using].needs_rollback:
            for model, pk in referenced:
                if pk is not None and not model.objects.filter(pk=pk).exists():
                    raise model.DoesNotExist from None
        raise


def insert_new(insert: Callable[[], bool], stands: Callable[[], bool]) -> bool:
    """Insert a row by `insert`, one guarded statement; return False if the row was there before.

    `stands` tells that, or raises the reason for which the row may not be inserted. If it does neither, what stood in
    the way is gone by now.
    """
    for _ in range(ATTEMPTS):
        try:
            if insert():
                return True
        except IntegrityError:
            if stands():  # a concurrent transaction has inserted it
                return False
            raise
        if stands():
            return False
    raise OperationalError("What stands in the way of a row comes and goes; try again.")
