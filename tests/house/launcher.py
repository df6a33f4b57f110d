"""Runs the project's programs as a user would: own process, own environment, own data."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from config.environment import BASE_DIR
from devtools.servers import free_port

SERVE = ("-m", "launcher")
MANAGE = ("manage.py", "check")
WEB = ("-m", "serving")
GUNICORN = ("-m", "gunicorn", "-c", "python:serving.gunicorn_config")
OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DJANGO_SETTINGS_MODULE",
    "TESTS_WORKER",
    "HTTPS",
    "MAKELEVEL",
    "SERVER",
    "LANE",
)


class Reply(NamedTuple):
    status: int
    headers: Any
    body: Any


def environment(data: Path, **values: str) -> dict[str, str]:
    """This process's environment without what the suite put there, on data of its own."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    return inherited | {"DATA_DIR": str(data), "DEBUG": "1", "WEB_WORKERS": "1", "PYTHONUNBUFFERED": "1"} | values


def run(program: tuple[str, ...], env: dict[str, str]) -> subprocess.CompletedProcess:
    command = [sys.executable, *program]
    return subprocess.run(command, cwd=BASE_DIR, env=env, capture_output=True, text=True, timeout=60, check=False)


class Program:
    """A server program on a free port; its output is kept in `log`."""

    def __init__(self, program: tuple[str, ...], data: Path, **values: str) -> None:
        self.port = free_port()
        self.data = data
        self.log = data.parent / f"{data.name}.log"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *program],
                cwd=BASE_DIR,
                env=environment(data, PORT=str(self.port), **values),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def until_up(self, timeout_s: float = 60) -> "Program":
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.ask("/healthz")
                return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"not up: {self.log.read_text()}")

    def until_printed(self, text: str, timeout_s: float = 60) -> "Program":
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.process.poll() is None:
            if text in self.log.read_text():
                return self
            time.sleep(0.05)
        raise AssertionError(f"{text!r} was not printed: {self.log.read_text()}")

    def ask(self, path: str, body: dict | None = None, **headers: str) -> Reply:
        data = json.dumps(body).encode() if body is not None else None
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, given | {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.build_opener(NoRedirect).open(request, timeout=10) as reply:
                return Reply(reply.status, reply.headers, _decoded(reply.read()))
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, _decoded(error.read()))

    def end(self, signum: int = signal.SIGINT) -> int:
        """Status of the program after the signal."""
        self.process.send_signal(signum)
        return self.process.wait(40)

    def processes(self, name: str = "") -> dict[int, str]:
        """Every process of this program's DATA_DIR, known by its environment or, as Redis, by where it works."""
        found = {int(path.name): _command(path) for path in Path("/proc").glob("[0-9]*") if self._is_ours(path)}
        return {pid: command for pid, command in found.items() if name in command}

    def until_gone(self, timeout_s: float = 10) -> dict[int, str]:
        """The processes that are left over after the timeout: none, one hopes."""
        deadline = time.monotonic() + timeout_s
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def _is_ours(self, path: Path) -> bool:
        try:
            works_there = (path / "cwd").readlink().is_relative_to(self.data)
            return works_there or f"DATA_DIR={self.data}\0".encode() in (path / "environ").read_bytes()
        except OSError:  # ended meanwhile, or someone else's
            return False


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _command(path: Path) -> str:
    try:
        return (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()
