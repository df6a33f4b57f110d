"""A limit on the memory that all clients of a process occupy together."""

from collections.abc import Callable


class MemoryBudget:
    """Counts bytes up to `limit`; beyond it, gives up the share that has waited for its client longest.

    For one thread only, such as that of an event loop.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._waiting: dict[MemoryShare, None] = {}  # in the order of their beginning

    def share(self, give_up: Callable[[], object]) -> "MemoryShare":
        """Return an empty share; `give_up` is called if others need its bytes while it waits for its client."""
        share = MemoryShare(self, give_up)
        self._waiting[share] = None
        return share

    def _add(self, count: int) -> None:
        self._used += count
        while self._used > self._limit and self._waiting:
            next(iter(self._waiting)).abandon()


class MemoryShare:
    """The bytes that one request or response occupies; `is_abandoned` says whether it had to make way for others."""

    def __init__(self, budget: MemoryBudget, give_up: Callable[[], object]) -> None:
        self._budget, self._give_up, self._bytes = budget, give_up, 0
        self.is_abandoned = False

    def add(self, count: int) -> bool:
        """Count more bytes; return False if the share is abandoned, perhaps because of them."""
        if not self.is_abandoned:
            self._bytes += count
            self._budget._add(count)
        return not self.is_abandoned

    def keep(self) -> None:
        """Keep the bytes until close(), because the client is no longer waited for."""
        self._budget._waiting.pop(self, None)

    def close(self) -> None:
        """Release the bytes. May be repeated."""
        self.keep()
        self._budget._used -= self._bytes
        self._bytes = 0
        self._give_up = _do_nothing  # no reference cycle is left to the garbage collector

    def abandon(self) -> None:
        """Release the bytes and give up what occupied them."""
        give_up, self.is_abandoned = self._give_up, True
        self.close()
        give_up()


def _do_nothing() -> None:
    """Give nothing up."""
