"""A Redis of a single test, which the test may stop, freeze, fill up and empty."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from devtools import servers
from launcher.embedded_redis import redis_server
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis
from tests.support.polling import wait_until


class OwnRedis:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = servers.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start with the data of the previous run, unless `forget()` was called in between."""
        # Redis writes before it replies, which outlives a kill. A sync to a busy disk may take seconds.
        kept = ["--appendonly", "yes", "--appendfsync", "no", "--save", "", "--dir", str(self.folder)]
        command = [redis_server(), "--port", str(self.port), "--bind", "127.0.0.1", *kept, *options]
        self._process = servers.start_process(command, self.port, self.folder / "redis.log")
        wait_until(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.exceptions.BusyLoadingError), self.client() as client:
            return bool(client.ping())
        return False

    def client(self) -> redis.Redis:
        """Return a client for the test itself; its commands do not go through the cache framework."""
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
        """Delete the data on disk; allowed only while the server is stopped."""
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)
        (self.folder / "appendonly.aof").unlink(missing_ok=True)

    def end(self) -> None:
        if self._process:
            self.kill()

    def _send(self, number: signal.Signals) -> None:
        assert self._process
        os.kill(self._process.pid, number)


@pytest.fixture
def own_redis(tmp_path: Path, settings: Any) -> Iterator[OwnRedis]:
    """A Redis of the test's own that this process uses for its cache, as if the process had just started."""
    server = OwnRedis(tmp_path)
    options = settings.CACHES["default"]["OPTIONS"]
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": server.url, "OPTIONS": options}}
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 50}
    with fresh_breaker():
        try:
            server.start()
            empty_redis()
            yield server
        finally:
            server.end()
