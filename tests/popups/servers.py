"""Web servers and drains that a test kills, and clients that enter and click meanwhile."""

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from rest_framework_simplejwt.tokens import AccessToken

from config.environment import BASE_DIR
from devtools.servers import free_port

GUNICORN = ("-m", "gunicorn", "-c", "python:serving.gunicorn_config")
DRAIN = ("manage.py", "drain_popup_events")


class Server:
    """A program of the project that can be killed and started again."""

    def __init__(self, program: Sequence[str], folder: Path, **values: str) -> None:
        self._command = [sys.executable, *program]
        self._values = {
            "DJANGO_SETTINGS_MODULE": "tests.settings", "THROTTLES": "off", "WEB_WORKERS": "1", "WEB_THREADS": "8",
            **values,
        }  # fmt: skip
        self._log = folder / "servers.log"
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            environment = os.environ | self._values
            self._process = subprocess.Popen(
                self._command, cwd=BASE_DIR, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """Kill the program and its workers."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Seen(NamedTuple):
    """What clients were answered: claims and accepted clicks as (user, popup, token), the status of each answer."""

    claims: list[tuple[int, int, str]]
    clicks: list[tuple[int, int, str]]
    statuses: list[int]


class Client:
    """A device. After a lost answer the client continues on a new connection."""

    def __init__(self, port: int, seen: Seen) -> None:
        self._port, self._seen = port, seen
        self._connection: Any = None

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def enter(self, user: Any) -> None:
        found = self._ask(user, "GET", "popups/next?placement=home&platform=ios&app_version=3.2.0")
        if found and found["popup"]:
            popup = found["popup"]
            self._seen.claims.append((user.pk, popup["id"], popup["claim"]))
            body = json.dumps({"claim": popup["claim"], "type": "click"})
            if self._ask(user, "POST", f"popups/{popup['id']}/events", body) is not None:
                self._seen.clicks.append((user.pk, popup["id"], popup["claim"]))

    def _ask(self, user: Any, method: str, path: str, body: str | None = None) -> Any:
        """Return the JSON of a 2xx answer, {} if it has no body; None for another status or a lost answer."""
        headers = {"Authorization": f"Bearer {_token(user)}", "Content-Type": "application/json"}
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            self._connection.request(method, f"/api/v1/{path}", body, headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            time.sleep(0.01)
            return None
        self._seen.statuses.append(answer.status)
        return None if answer.status >= 300 else json.loads(content or b"{}")


_tokens: dict[int, str] = {}


def _token(user: Any) -> str:
    return _tokens.setdefault(user.pk, str(AccessToken.for_user(user)))


@contextlib.contextmanager
def crowd(ports: Sequence[int], users: Sequence[Any], devices: int) -> Iterator[Seen]:
    """Let devices enter as random users until the block ends; yield what they were answered."""
    seen, over = Seen([], [], []), threading.Event()

    def use(number: int) -> None:
        chance = random.Random(number)
        with contextlib.closing(Client(ports[number % len(ports)], seen)) as client:
            while not over.is_set():
                client.enter(chance.choice(users))

    threads = [threading.Thread(target=use, args=(number,), daemon=True) for number in range(devices)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


@contextlib.contextmanager
def web_servers(number: int, folder: Path, **values: str) -> Iterator[dict[int, Server]]:
    """Run gunicorn servers; yield them by port."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for port in [free_port() for _ in range(number)]:
            servers[port] = Server(GUNICORN, folder, PORT=str(port), **values)
            stack.callback(servers[port].kill)
        yield servers


@contextlib.contextmanager
def draining(number: int, folder: Path, **values: str) -> Iterator[list[Server]]:
    with contextlib.ExitStack() as stack:
        servers = []
        for _ in range(number):
            servers.append(Server(DRAIN, folder, **values))
            stack.callback(servers[-1].kill)
        yield servers


def wait_until_up(ports: Sequence[int], timeout_s: float = 30) -> None:
    gives_up_at = time.monotonic() + timeout_s
    for port in ports:
        while True:
            try:
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as connection:
                    connection.request("GET", "/healthz")
                    if connection.getresponse().status == 200:
                        break
            except OSError:
                assert time.monotonic() < gives_up_at
                time.sleep(0.05)


def environment(redis_url: str) -> dict[str, str]:
    """Return the variables of programs that use the suite's database and another Redis."""
    return {"REDIS_URL": redis_url, "SECRET_KEY": settings.SECRET_KEY}
