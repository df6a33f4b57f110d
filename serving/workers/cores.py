"""Which core each worker keeps to.

Of a worker's threads one at a time runs Python. On one core they hand the interpreter's lock to each other without
waking another core, and what they work on stays in its cache (docs/decisions/0010-workers-and-cores.md).
"""

import contextlib
import os
from collections.abc import Collection


class Cores:
    """In the master: where its workers are."""

    def __init__(self, cores: Collection[int]) -> None:
        self._workers = dict.fromkeys(sorted(cores), 0)  # of each core

    def allot(self, workers: int) -> int | None:
        """A core for the next of so many workers; None where they could not use all cores alike. Then the kernel shall
        move them about."""
        if not self._workers or workers % len(self._workers):
            return None
        core = min(self._workers, key=self._workers.__getitem__)
        self._workers[core] += 1
        return core

    def free(self, core: int) -> None:
        self._workers[core] -= 1


def available() -> set[int]:
    """Those that this process may use; none where that cannot be said, or set."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def keep_to(core: int) -> None:
    """This process and the threads that it will start."""
    with contextlib.suppress(OSError):  # forbidden, or the core was taken away meanwhile: it is only dearer
        os.sched_setaffinity(0, {core})
