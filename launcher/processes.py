"""Child processes that are stopped together, in reverse order, and by the kernel if their parent is killed."""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from serving.parent_death import end_with_parent

STOP_S = 30  # longer than a web process takes: WEB_DRAIN_S and the time for running requests


class Processes:
    """Child processes by name. Each is the leader of a session, so that Ctrl-C reaches only the launcher."""

    def __init__(self) -> None:
        self.children: dict[str, subprocess.Popen] = {}

    def start(
        self, name: str, command: list[str], env: Mapping[str, str], keep_open: tuple[int, ...] = ()
    ) -> subprocess.Popen:
        """Start a child process, which inherits the file descriptors `keep_open`."""
        self.children[name] = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, pass_fds=keep_open, start_new_session=True,
            preexec_fn=end_with_parent,  # safe, because the launcher has one thread
        )  # fmt: skip
        return self.children[name]

    def stop(self) -> None:
        """Terminate all children, the last started first; then kill what is left of each session after STOP_S."""
        for child in reversed(self.children.values()):
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(STOP_S)
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        self.children.clear()
