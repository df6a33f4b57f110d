"""What a failover costs: hits of the lost server's rows and of all others, and SQL in the seconds after it.

Hits are counted of the rows that had been read since they were written: the first read after a write is none anyway.
"""

from statistics import median
from typing import Self

from tests.topologies.lost_writes.load import PARTS, Load

SECOND = 10  # tenths


class Cost:
    """What a load had from the kill of the master of some ranges of slots up to the moment of `end()`."""

    def __init__(self, load: Load, parts: set[int]) -> None:
        """Make one right before the kill."""
        self._load, self._parts = load, parts
        self._before = [load.repeated_hits(each) for each in range(PARTS)]
        self._began = load.tenth()
        self.before = sum(load.sql[max(self._began - SECOND, 0) : self._began])
        """The statements of the second before the kill; writes among them."""

    def end(self) -> Self:
        """Count; return this cost."""
        self.own, self.others = self._rate(self._parts), self._rate(set(range(PARTS)) - self._parts)
        tenths = self._load.sql[self._began : self._load.tenth()]
        self.sql = [sum(tenths[at : at + SECOND]) for at in range(0, len(tenths), SECOND)]
        return self

    def __str__(self) -> str:
        return f"hits {_share(self.own)}, of living servers {_share(self.others)}; SQL/s {self.before}, {self.sql}"

    def _rate(self, parts: set[int]) -> float | None:
        now = [self._load.repeated_hits(part) for part in range(PARTS)]
        reads, hits = (sum(now[part][at] - self._before[part][at] for part in parts) for at in (0, 1))
        return hits / reads if reads else None


def _share(rate: float | None) -> str:
    return "none" if rate is None else f"{rate:.1%}"


def summary(costs: list[Cost]) -> str:
    """Return a sentence on failovers of one kind."""
    worst = min((cost.others for cost in costs if cost.others is not None), default=None)
    busiest = [max(cost.sql) for cost in costs]
    return (
        f"{len(costs)} failovers: hits of living servers {_share(worst)} at worst; "
        f"SQL/s {median(cost.before for cost in costs):.0f} before, in the busiest second after it "
        f"{median(busiest):.0f}, {max(busiest)} at worst"
    )
