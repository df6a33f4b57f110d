"""Child processes that end together: stopped in reverse order, and by the kernel if their parent is killed."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

STOP_S = 25
PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Linux sends SIGTERM to this process when its parent dies, however it dies; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Processes:
    """Each child leads a session of its own, so that a Ctrl-C of the terminal reaches only the launcher."""

    def __init__(self) -> None:
        self.children: dict[str, subprocess.Popen] = {}

    def start(
        self, name: str, command: list[str], env: Mapping[str, str], keep_open: tuple[int, ...] = ()
    ) -> subprocess.Popen:
        self.children[name] = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=keep_open,
            preexec_fn=end_with_parent,  # the launcher has one thread
        )
        return self.children[name]

    def ended(self) -> tuple[str, int] | None:
        """Name and status of a child that has ended, if one has."""
        for name, child in self.children.items():
            if (status := child.poll()) is not None:
                return name, status
        return None

    def stop(self) -> None:
        """Ends all, the last started first; whoever does not end in STOP_S is killed with all its own children."""
        for child in reversed(self.children.values()):
            self._stop(child)
        self.children.clear()

    def _stop(self, child: subprocess.Popen) -> None:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
