"""The circuit breaker to Redis in the state of a process that has just started."""

import contextlib
from collections.abc import Iterator

from caching.redis.breaker import Breaker, breaker
from caching.redis.epochs import epochs


def renew() -> None:
    """Put this process's breaker into its initial state."""
    vars(breaker).update(vars(Breaker(breaker.recover)))
    epochs.reset()


@contextlib.contextmanager
def fresh_breaker() -> Iterator[None]:
    """Use a breaker in its initial state during the block, and restore the previous state afterwards."""
    before, runs = dict(vars(breaker)), dict(vars(epochs))
    renew()
    try:
        yield
    finally:
        breaker.wait_for_probe()  # a recovery in another thread would change what is restored
        vars(breaker).update(before)
        vars(epochs).update(runs | {"version": epochs.version + 1})
