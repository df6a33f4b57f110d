"""A Redis that a test may stop, freeze, fill up and lose."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import redis

from devtools import servers
from launcher.embedded_redis import redis_server
from tests.caching.threads import LONGEST_S


class OwnRedis:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = servers.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """With the data that it had when it was stopped, unless `forget()` came in between."""
        kept = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", str(self.folder)]
        command = [redis_server(), "--port", str(self.port), "--bind", "127.0.0.1", *kept, *options]
        self._process = servers.start_process(command, self.port, self.folder / "redis.log")
        until(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.exceptions.BusyLoadingError):
            return bool(self.client().ping())
        return False

    def client(self) -> redis.Redis:
        """For the test itself; it does not go through the framework."""
        return redis.Redis(port=self.port, socket_timeout=5)

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        self._send(signal.SIGKILL)
        assert self._process
        self._process.wait()
        self._process = None

    def forget(self) -> None:
        """Lose everything that is on disk; only while it is stopped."""
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)
        (self.folder / "appendonly.aof").unlink(missing_ok=True)

    def end(self) -> None:
        if self._process:
            self.kill()

    def _send(self, number: signal.Signals) -> None:
        assert self._process
        os.kill(self._process.pid, number)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
