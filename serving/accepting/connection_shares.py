"""How many connections each worker leaves to the others, in memory that the workers share."""

import mmap

_WORKERS = 4096  # far more than there are, even while those of several reloads end
_NO_LIMIT = 2**31 - 1


class ConnectionShares:
    """Memory of the master, inherited by its workers: how many slots were ever used, then a limit for each."""

    def __init__(self) -> None:
        self._limits = memoryview(mmap.mmap(-1, 4 * _WORKERS)).cast("i")
        self._allotted: set[int] = set()

    def allot(self) -> "ConnectionShare":
        """In the master, before it forks the worker."""
        place = next(place for place in range(1, _WORKERS) if place not in self._allotted)
        self._allotted.add(place)
        self._limits[place] = _NO_LIMIT
        self._limits[0] = max(self._limits[0], place)
        return ConnectionShare(self._limits, place)

    def free(self, slot: "ConnectionShare") -> None:
        """In the master, once the worker is gone, however it went."""
        slot.close()
        self._allotted.discard(slot.place)


class ConnectionShare:
    """What a worker tells the others: with how many connections of their own they leave the queue to it."""

    def __init__(self, limits: memoryview, place: int) -> None:
        self.place = place
        self._limits = limits
        self._open = 0
        self._ahead: int | None = None

    def accept(self, *, ahead: int) -> None:
        """Others may be so many connections ahead of this worker, and a sixteenth of what it has."""
        self._ahead = ahead
        self.add(0)

    def add(self, connections: int) -> None:
        self._open += connections
        if self._ahead is not None:
            self._limits[self.place] = self._open + self._open // 16 + self._ahead

    def close(self) -> None:
        self._ahead = None
        self._limits[self.place] = _NO_LIMIT

    def exceeded(self) -> bool:
        """Whether this worker has more than its share. A worker alone never has: it is within its own limit."""
        return self._open > min(self._limits[1 : self._limits[0] + 1].tolist())
