"""A drain of popup events that kills itself at a point of its work: python -m tests.popups.processes POINT"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from signal import SIGKILL, SIGTERM
from typing import Any

from tests.caching.processes import dies_after, dies_before

ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "tests.settings"}


def killed(point: str) -> None:
    command = [sys.executable, "-m", "tests.popups.processes", point]
    done = subprocess.run(command, env=os.environ | ENVIRONMENT, timeout=60)
    assert done.returncode == -SIGKILL, done


@contextlib.contextmanager
def drains(number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that drain for ever."""
    command = [sys.executable, "manage.py", "drain_popup_events"]
    processes = [subprocess.Popen(command, env=os.environ | ENVIRONMENT) for _ in range(number)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def terminated(processes: list[subprocess.Popen[bytes]]) -> list[int]:
    for process in processes:
        process.send_signal(SIGTERM)
    return [process.wait(20) for process in processes]


def main(point: str) -> None:
    import django

    django.setup()
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
    raise SystemExit(f"{point}: nobody died")


if __name__ == "__main__":
    main(sys.argv[1])
