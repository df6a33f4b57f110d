"""The file by which `python -m serving.supervisor.reload` finds the supervisor, and learns what became of a reload.

The first line is the id of the supervisor's process, each further one the outcome of a reload. The supervisor holds a
lock on the file, so a file that a killed supervisor has left is told from a current one.
"""

import contextlib
import fcntl
import os
from pathlib import Path


class PidFile:
    """The file of a running supervisor; it does without if another one has locked it, or the folder is read-only."""

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = None
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            self._descriptor = descriptor
            self.add(str(os.getpid()))

    def add(self, line: str) -> None:
        """Append a line."""
        if self._descriptor is not None:
            os.write(self._descriptor, f"{line}\n".encode())


def pid_file_path(data_dir: Path, port: int) -> Path:
    """Return the path of the file for the service on the port."""
    return data_dir / f"web-{port}.pid"


def read_lines(path: Path) -> list[str]:
    """Return the lines of the file of a running supervisor; nothing if none runs."""
    try:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().splitlines()
    except OSError:
        pass
    return []
