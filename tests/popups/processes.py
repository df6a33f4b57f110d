"""Other processes of the application: drains that kill themselves at a point, and devices that claim popups."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from signal import SIGTERM
from typing import Any

from tests.support.crashes import dies_after, dies_before

ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "tests.settings"}


@contextlib.contextmanager
def drains(number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run processes of the command drain_popup_events, which are killed at the end of the block."""
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
    """Ask for the next popup of each user in turn, `rounds` times; return the claims as (user id, popup id)."""
    from caching.api import Batch
    from popups.config.compile import ClientContext
    from popups.delivery.next_popup import NextPopup

    claimed = []
    for _ in range(rounds):
        for user_id in user_ids:
            batch = Batch()
            entry = NextPopup(batch, user_id, ClientContext("home"))
            batch.run()
            while more := entry.next_batch():
                more.run()
            if popup := entry.document()["popup"]:
                claimed.append((user_id, popup["id"]))
    return claimed


def die_at(point: str) -> None:
    """Drain once and kill the process at `point`."""
    from django.db import connection

    from popups.events import drain, stream

    connection.ensure_connection()
    points: dict[str, tuple[Any, Any, str]] = {
        "taken": (dies_after, stream, "take"),
        "written": (dies_before, connection, "_commit"),
        "committed": (dies_after, connection, "_commit"),
        "acknowledged": (dies_after, stream, "acknowledge"),
    }
    arrange, owner, name = points[point]
    arrange(owner, name)
    drain.drain(stream.new_consumer())
