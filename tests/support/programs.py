"""The project's programs as a user starts them: each in its own process with its own environment and data."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from config.environment import BASE_DIR
from devtools.servers import free_port
from tests.support.threads import LONGEST_S

SERVE = ("-m", "launcher")
MANAGE = ("manage.py", "check")
WEB = ("-m", "serving")
GUNICORN = ("-m", "gunicorn", "-c", "python:serving.gunicorn_config")
SET_BY_THE_SUITE = (
    "DATABASE_URL",
    "DATABASE_REPLICA_URLS",
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
    """Return this process's environment without the variables that the suite has set, with DATA_DIR and `values`."""
    inherited = {name: value for name, value in os.environ.items() if name not in SET_BY_THE_SUITE}
    defaults = {"DEBUG": "1", "WEB_WORKERS": "1", "WEB_DRAIN_S": "0", "PYTHONUNBUFFERED": "1"}
    defaults |= {"WEB_DEADLINE_S": "10"}  # the machine that runs the suite has much to do
    return inherited | {"DATA_DIR": str(data)} | defaults | values


def run(program: tuple[str, ...], env: dict[str, str]) -> subprocess.CompletedProcess:
    """Run a program to its end, LONGEST_S at most."""
    command = [sys.executable, *program]
    options = {"cwd": BASE_DIR, "env": env, "timeout": LONGEST_S}
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


class Program:
    """A server program on a port, by default a free one; `log` is the file of its output."""

    def __init__(
        self, program: tuple[str, ...], data: Path, *, folder: Path = BASE_DIR, port: int = 0, **values: str
    ) -> None:
        self.port = port or free_port()
        self.data = data
        self.log = data.parent / f"{data.name}.log"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *program],
                cwd=folder,
                env=environment(data, PORT=str(self.port), **values),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_until_up(self, timeout_s: float = LONGEST_S) -> "Program":
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.ask("/healthz")
                return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"not up: {self.log.read_text()}")

    def wait_until_printed(self, text: str, timeout_s: float = LONGEST_S) -> "Program":
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
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=30) as reply:
                return Reply(reply.status, reply.headers, _decoded(reply.read()))
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, _decoded(error.read()))

    def end(self, signum: int = signal.SIGINT) -> int:
        """Send a signal and return the exit status of the program."""
        self.process.send_signal(signum)
        return self.process.wait(LONGEST_S)

    def kill(self) -> None:
        """End all processes of this program by SIGKILL."""
        self.process.kill()
        self.process.wait()
        while pids := self.processes():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def processes(self, name: str = "") -> dict[int, str]:
        """Return {pid: command} of this program's processes, found by DATA_DIR or by working directory."""
        found = {int(path.name): _command(path) for path in Path("/proc").glob("[0-9]*") if self._is_ours(path)}
        return {pid: command for pid, command in found.items() if name in command}

    def wait_until_gone(self, timeout_s: float = 30) -> dict[int, str]:
        """Wait until no process of this program is left; return the processes that are left after the timeout."""
        deadline = time.monotonic() + timeout_s
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def _is_ours(self, path: Path) -> bool:
        try:
            works_there = (path / "cwd").readlink().is_relative_to(self.data)
            return works_there or f"DATA_DIR={self.data}\0".encode() in (path / "environ").read_bytes()
        except OSError:  # has ended meanwhile, or belongs to another user
            return False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
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


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """program(command, **environment): start a server program on data of its own, which is ended with the test."""
    started = []

    def start(command: tuple[str, ...], **values: Any) -> Program:
        started.append(Program(command, tmp_path / "data", **values))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGTERM)
    for each in started:
        assert each.wait_until_gone() == {}


@pytest.fixture(scope="session")
def database_with_one_account(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables and one account."""
    data = tmp_path_factory.mktemp("somebody")
    env = environment(data, DJANGO_SUPERUSER_PASSWORD="a-long-enough-phrase", DJANGO_SUPERUSER_USERNAME="somebody")
    for command in (("migrate",), ("createsuperuser", "--noinput")):
        done = run(("manage.py", *command), env)
        assert done.returncode == 0, done.stderr
    return data / "hotpath.sqlite3"


@pytest.fixture
def without_demo_data(tmp_path: Path, database_with_one_account: Path) -> None:
    """Let `program` start on a database that has an account, so that it loads no demo data (most of a first start)."""
    (tmp_path / "data").mkdir()
    shutil.copy(database_with_one_account, tmp_path / "data")
