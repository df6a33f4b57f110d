"""What a failover costs: hits of the lost server's rows and of all others, and SQL in the seconds after it."""

from statistics import median
from typing import Self

from tests.topologies.lost_writes.load import PARTS, Load

SECOND = 10  # tenths


class Cost:
    """What a load had from the kill of the master of a range of slots up to the moment of `end()`."""

    def __init__(self, load: Load, part: int) -> None:
        """Make one right before the kill."""
        self._load, self._part = load, part
        self._before = [load.hits(each) for each in range(PARTS)]
        self._began = load.tenth()
        self.before = sum(load.sql[max(self._began - SECOND, 0) : self._began])
        """The statements of the second before the kill; writes among them."""

    def end(self) -> Self:
        """Count; return this cost."""
        others = [each for each in range(PARTS) if each != self._part]
        self.own, self.others = self._rate([self._part]), self._rate(others)
        tenths = self._load.sql[self._began : self._load.tenth()]
        self.sql = [sum(tenths[at : at + SECOND]) for at in range(0, len(tenths), SECOND)]
        return self

    def __str__(self) -> str:
        return f"hits {self.own:.1%}, of the other slots {self.others:.1%}; SQL/s {self.before} and then {self.sql}"

    def _rate(self, parts: list[int]) -> float:
        reads, hits = (sum(self._load.hits(part)[at] - self._before[part][at] for part in parts) for at in (0, 1))
        return hits / reads


def summary(costs: list[Cost]) -> str:
    """Return a sentence on failovers of one kind."""
    busiest = [max(cost.sql) for cost in costs]
    return (
        f"{len(costs)} failovers: hits of the other slots {min(cost.others for cost in costs):.1%} at worst; "
        f"SQL/s {median(cost.before for cost in costs):.0f} before; in the busiest second after it "
        f"{median(busiest):.0f}, {max(busiest)} at worst"
    )
