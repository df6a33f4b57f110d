"""Limits to the number of connections of each worker, in memory that all workers share."""

import mmap

_MAX_WORKERS = 4096  # far more than there are, even while workers of several reloads end
_NO_LIMIT = 2**31 - 1


class ConnectionShares:
    """The shares of all workers: memory of the master, inherited by its workers.

    Element 0 is the highest index that was ever allocated; element n is the limit that the share with index n sets to
    all workers.
    """

    def __init__(self) -> None:
        self._limits = memoryview(mmap.mmap(-1, 4 * _MAX_WORKERS)).cast("i")
        self._allocated: set[int] = set()

    def allocate(self) -> "ConnectionShare":
        """Return a share for a new worker; called in the master before the fork."""
        index = next(index for index in range(1, _MAX_WORKERS) if index not in self._allocated)
        self._allocated.add(index)
        self._limits[index] = _NO_LIMIT
        self._limits[0] = max(self._limits[0], index)
        return ConnectionShare(self._limits, index)

    def release(self, share: "ConnectionShare") -> None:
        """Release the share of a worker that has ended, for whatever reason; called in the master."""
        share.close()
        self._allocated.discard(share.index)


class ConnectionShare:
    """The share of one worker: counts its connections, and limits those of the other workers accordingly."""

    def __init__(self, limits: memoryview, index: int) -> None:
        self.index = index
        self._limits = limits
        self._open = 0
        self._headroom: int | None = None

    def set_headroom(self, connections: int) -> None:
        """Let other workers have this many connections more than this worker, and a sixteenth of its own."""
        self._headroom = connections
        self.add(0)

    def add(self, connections: int) -> None:
        """Add to the number of open connections; negative for closed ones."""
        self._open += connections
        if self._headroom is not None:
            self._limits[self.index] = self._open + self._open // 16 + self._headroom

    def close(self) -> None:
        """Remove the limit for other workers."""
        self._headroom = None
        self._limits[self.index] = _NO_LIMIT

    def exceeded(self) -> bool:
        """Return whether this worker has more than its share. A single worker never has: its own limit is higher."""
        return self._open > min(self._limits[1 : self._limits[0] + 1].tolist())
