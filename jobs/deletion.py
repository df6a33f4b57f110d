"""What requests leave behind because it is too much for one transaction: rooms register how it is done later.

A transaction must end before its holds do, so whoever deletes very many rows deletes them a few at a time; and a
request that has hidden them need not wait for the last.
"""

from collections.abc import Callable, Iterator

Sweep = Callable[[], Iterator[int]]
_sweeps: list[Sweep] = []


def register(sweep: Sweep) -> None:
    """`sweep()` does what waits in short transactions and yields how many rows each took; cut short and called again,
    it goes on. To be called in AppConfig.ready()."""
    _sweeps.append(sweep)


def step() -> int:
    """One transaction for each room that has something to do; returns how many rows."""
    return sum(next(sweep(), 0) for sweep in _sweeps)


def finish() -> int:
    """All that waits; returns how many rows."""
    return sum(rows for sweep in _sweeps for rows in sweep())
