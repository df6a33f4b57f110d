"""Other processes of the application: drains that kill themselves at a point, and devices that claim popups."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from signal import SIGTERM
from typing import Any

from tests.popups.shards import first
from tests.support.crashes import dies_after, dies_before
from tests.support.threads import LONGEST_S

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
    return [process.wait(LONGEST_S) for process in started]


def enter_all(user_ids: list[int], rounds: int) -> list[tuple[int, int]]:
    """Ask for the next popup of each user in turn, `rounds` times; return the claims as (user id, popup id)."""
    from popups.config.compile import ClientContext

    claimed = []
    for _ in range(rounds):
        for user_id in user_ids:
            if popup := next_popup(user_id, ClientContext("home")):
                claimed.append((user_id, popup["id"]))
    return claimed


def next_popup(user_id: int, client: Any) -> Any:
    from caching.api import Batch
    from popups.delivery.next_popup import NextPopup

    batch = Batch()
    entry = NextPopup(batch, user_id, client)
    batch.run()
    for more in entry.further_batches():
        more.run()
    return entry.document()["popup"]


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
    drain.drain(stream.new_consumer(), first())


def enter_each(user_ids: list[int], rounds: int, processes: int) -> list[tuple[int, int]]:
    """Ask for the next popup of the placements p0, p1 … for each user; return the claims as (user id, popup id).

    Begins each round together with the other processes.
    """
    from popups.config.compile import ClientContext

    claimed = []
    for number in range(rounds):
        _wait_for_all(number, processes)
        for user_id in user_ids:
            if popup := next_popup(user_id, ClientContext(f"p{number}")):
                claimed.append((user_id, popup["id"]))
    return claimed


def delete_each(popup_ids: list[int], processes: int) -> list[int]:
    """Try to delete each popup in its round; return the ids of those that are gone."""
    from django.db.models import ProtectedError

    from popups.models import Popup

    deleted = []
    for number, popup_id in enumerate(popup_ids):
        popup = Popup.objects.get(pk=popup_id)
        _wait_for_all(number, processes)
        with contextlib.suppress(ProtectedError):
            popup.delete()
            deleted.append(popup_id)
    return deleted


def _wait_for_all(number: int, processes: int) -> None:
    from caching.api import redis_client

    key = f"tests:round:{number}"
    arrived = redis_client().incr(key)
    gives_up_at = time.monotonic() + LONGEST_S
    while int(arrived) < processes:
        assert time.monotonic() < gives_up_at
        arrived = redis_client().get(key)
