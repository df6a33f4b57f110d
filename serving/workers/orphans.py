"""Workers of gunicorn whose main process was killed."""

import os
import signal
from typing import Any

from serving import lifecycle


def is_orphan(worker: Any) -> bool:
    """Return whether the main process, or its supervisor, was killed; then bound what is left of the worker's life.

    Nobody is left to kill a worker with a request that hangs, so an alarm does.
    """
    is_orphan = worker.ppid != os.getppid() or lifecycle.is_abandoned()
    if is_orphan:
        signal.alarm(worker.cfg.graceful_timeout)
    return is_orphan
