"""The circuit breaker of a process that has just started."""

import contextlib
from collections.abc import Iterator

from caching.redis.breaker import Breaker, breaker


def renew() -> None:
    """Put this process's breaker into the state of the start."""
    vars(breaker).update(vars(Breaker(breaker.recover)))


@contextlib.contextmanager
def fresh_breaker() -> Iterator[None]:
    """Have a breaker as at the start, and afterwards the one of before."""
    before = dict(vars(breaker))
    renew()
    try:
        yield
    finally:
        vars(breaker).update(before)
