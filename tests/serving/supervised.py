"""`python -m serving` with each server, and what its log tells about reloads."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.programs import WEB, Program
from tests.support.threads import LONGEST_S

COMMANDS = {
    "gunicorn": WEB,
    "granian": WEB,
    "gthread": (*WEB, "-k", "serving.workers.thread_worker.ThreadWorker", "config.wsgi"),
}
RELOADED, KEPT = "Reloaded: process", "the old code goes on serving"


def variables(name: str) -> dict[str, str]:
    """Return the environment variables that select the server."""
    return {"SERVER": "granian" if name == "granian" else "gunicorn", "WEB_WORKERS": "2"}


def reload(web: Program, said: str = RELOADED, signum: int = signal.SIGHUP) -> None:
    """Send a signal, and wait for one more message about a reload."""
    before = web.log.read_text().count(said)
    web.process.send_signal(signum)
    until(lambda: web.log.read_text().count(said) > before, web)


def until(condition: Callable[[], object], web: Program, timeout_s: float = LONGEST_S) -> None:
    """Wait for a condition; show the log if it does not come true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, web.log.read_text()
        time.sleep(0.05)


def generations(web: Program) -> list[int]:
    """Return the ids of the servers' main processes."""
    pid = web.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
