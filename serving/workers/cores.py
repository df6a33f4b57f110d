"""Pinning of each worker process to a core.

Only one thread of a worker runs Python at a time. On one core the threads hand over the interpreter's lock without
waking another core, and their data stays in its cache (docs/decisions/0010-workers-and-cores.md).
"""

import contextlib
import os
from collections.abc import Collection


class Cores:
    """The number of workers on each core, kept by the master."""

    def __init__(self, cores: Collection[int]) -> None:
        self._workers = dict.fromkeys(sorted(cores), 0)

    def allocate(self, workers: int) -> int | None:
        """Return the core with the fewest workers, for the next of so many `workers`.

        Return None, for a worker that the kernel places, if that number is no multiple of the number of cores.
        """
        if not self._workers or workers % len(self._workers):
            return None
        core = min(self._workers, key=self._workers.__getitem__)
        self._workers[core] += 1
        return core

    def release(self, core: int) -> None:
        """Note that a worker on this core has ended."""
        self._workers[core] -= 1


def available() -> set[int]:
    """Return the cores that this process may use; none on systems without CPU affinity."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def pin_process(core: int) -> None:
    """Pin this process, and the threads that it will start, to a core."""
    with contextlib.suppress(OSError):  # forbidden, or the core is no longer available: the worker runs unpinned
        os.sched_setaffinity(0, {core})
