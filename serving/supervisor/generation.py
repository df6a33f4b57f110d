"""One generation of the server: a process of its own, with its workers, that has loaded code and settings afresh."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

from serving import lifecycle
from serving.parent_death import end_with_parent


class Generation:
    """A server on inherited sockets, in a process group of its own, which the kernel ends with the supervisor."""

    def __init__(self, sockets: list[socket.socket], arguments: list[str], environment: dict[str, str]) -> None:
        self.started = time.monotonic()
        self.channel, theirs = socket.socketpair()
        self.channel.setblocking(False)
        inherited = [sock.fileno() for sock in sockets]
        variables = {
            lifecycle.CHANNEL: lifecycle.variable(theirs.fileno()), lifecycle.SOCKETS: ",".join(map(str, inherited)),
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "serving.server_process", *arguments], env=environment | variables,
            stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(), *inherited), start_new_session=True,
            preexec_fn=end_with_parent,  # safe, because the supervisor has one thread
        )  # fmt: skip
        theirs.close()
        self._received = b""

    @property
    def pid(self) -> int:
        """Return the id of the server's main process."""
        return self._process.pid

    def is_ready(self) -> bool:
        """Return whether all workers have loaded the application."""
        expected, ready = self._workers()
        return 0 < expected <= ready

    def is_forking(self) -> bool:
        """Return whether workers are being started: gunicorn may not notice that one of them has missed a signal."""
        expected, ready = self._workers()
        return ready < expected

    def _workers(self) -> tuple[int, int]:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self._received += self.channel.recv(4096)
        return self._received.count(lifecycle.EXPECTED), self._received.count(lifecycle.READY)

    def end(self, reason: bytes) -> None:
        """Let the server drain and end; the reason is lifecycle.REPLACED or lifecycle.STOPPING."""
        with contextlib.suppress(OSError):  # the server has just ended by itself
            self.channel.send(reason)
        self._process.terminate()

    def status(self) -> int | None:
        """Return the exit status, as a shell has it, once the main process has ended; kill what it has left behind."""
        status = self._process.poll()
        if status is None:
            return None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.channel.close()
        return status if status >= 0 else 128 - status
