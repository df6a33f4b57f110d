"""Other processes of the application: drains that are killed at a point of their work, devices of the same users.

python -m tests.popups.processes WORK '[arguments]'; answers one JSON document.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from signal import SIGKILL, SIGTERM
from typing import Any

from tests.caching.processes import dies_after, dies_before
from tests.social import processes

ENVIRONMENT = processes.ENVIRONMENT
at_once = partial(processes.at_once, module="tests.popups.processes")


def killed(point: str) -> None:
    """A drain is killed there."""
    command = [sys.executable, "-m", "tests.popups.processes", "die_at", json.dumps([point])]
    done = subprocess.run(command, env=os.environ | ENVIRONMENT, input="go\n", text=True, stdout=subprocess.PIPE)
    assert done.returncode == -SIGKILL, done


@contextlib.contextmanager
def drains(number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that drain for ever."""
    command = [sys.executable, "manage.py", "drain_popup_events"]
    started = [subprocess.Popen(command, env=os.environ | ENVIRONMENT) for _ in range(number)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def terminated(started: list[subprocess.Popen[bytes]]) -> list[int]:
    for process in started:
        process.send_signal(SIGTERM)
    return [process.wait(20) for process in started]


def enter_all(user_ids: list[int], rounds: int) -> list[tuple[int, int]]:
    """A device of each of the users, one after the other; the (user, popup) that came up."""
    from caching import Batch
    from popups.configs import Asked
    from popups.entries import Entry

    claimed = []
    for _ in range(rounds):
        for user_id in user_ids:
            batch = Batch()
            entry = Entry(batch, user_id, Asked("home"))
            batch.run()
            while entry.more(batch := Batch()):
                batch.run()
            if popup := entry.document()["popup"]:
                claimed.append((user_id, popup["id"]))
    return claimed


def die_at(point: str) -> None:
    from django.db import connection

    from popups import drain, stream

    connection.ensure_connection()
    points: dict[str, tuple[Any, Any, str]] = {
        "taken": (dies_after, stream, "take"),
        "written": (dies_before, connection, "_commit"),
        "committed": (dies_after, connection, "_commit"),
        "settled": (dies_after, stream, "settle"),
    }
    arrange, owner, name = points[point]
    arrange(owner, name)
    drain.drain(stream.new_consumer())


if __name__ == "__main__":
    processes.main(globals(), *sys.argv[1:])
