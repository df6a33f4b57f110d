"""A web server of two processes, its commands beside it, and people who read and write there without pause.

Each reader notes, before it asks, the last text whose write was acknowledged; an answer with an older one is stale.
"""

import contextlib
import http.client
import json
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.programs import MANAGE, WEB, Program, environment, run
from tests.support.threads import Task

PASSWORD = "correct-horse-battery"
TIMEOUT_S = 20


class Site:
    """The programs on one database and one Redis, Redis Cluster or Sentinels."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self._data = folder / "data"
        self._values = {
            "DEBUG": "0", "HTTPS": "off", "SECRET_KEY": "tests-only-" + "x" * 50, "REDIS_URL": redis_url,
            "THROTTLES": "off", "WEB_WORKERS": "2",
        }  # fmt: skip
        prepared = run(("-m", "launcher.prepare"), environment(self._data, **self._values))
        assert prepared.returncode == 0, prepared.stderr
        self._programs = [Program(WEB, self._data, **self._values)]
        self.port = self._programs[0].wait_until_up().port
        self._programs.append(Program((MANAGE[0], "drain_invalidations"), self._data, **self._values))

    def end(self) -> None:
        """End the programs."""
        for program in self._programs:
            if program.process.poll() is None:
                program.end(signal.SIGTERM)

    def log(self) -> str:
        """Return what the web server has printed."""
        return self._programs[0].log.read_text()


class Visitor:
    """A keep-alive connection to the site."""

    def __init__(self, port: int, token: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._headers = {"Host": "localhost", "Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the decoded body."""
        self._connection.request(method, path, body and json.dumps(body).encode(), self._headers)
        reply = self._connection.getresponse()
        content = reply.read()
        return reply.status, json.loads(content) if content else None

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        self._connection.close()


class Crowd:
    """Accounts, and threads that write to and read all of them until the end of the block `busy()`."""

    def __init__(self, site: Site, accounts: int, *, writers: int = 2, readers: int = 4) -> None:
        self._site = site
        self._accounts = [self._register(f"visitor{number:03}") for number in range(accounts)]
        self._acknowledged = dict.fromkeys((pk for pk, _ in self._accounts), 0)
        self._numbers = (writers, readers)
        self._end = threading.Event()
        self.statuses: Counter[str] = Counter()
        """How often each kind of request had each status, or failed, such as "GET 200"."""
        self.stale: list[str] = []
        self.slowest_s = 0.0

    def _register(self, name: str) -> tuple[int, str]:
        account = {"username": name, "password": PASSWORD}
        with contextlib.closing(Visitor(self._site.port)) as visitor:
            status, user = visitor.ask("POST", "/api/v1/users", account | {"nickname": name})
            assert status == 201, user
            return user["id"], visitor.ask("POST", "/api/v1/auth/token", account)[1]["access"]

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Have everybody at work for the time of the block."""
        writers, readers = self._numbers
        tasks = [Task(lambda mine=number: self._write(mine)) for number in range(writers)]  # type: ignore[misc]
        tasks += [Task(self._read) for _ in range(readers)]
        try:
            yield
        finally:
            self._end.set()
            for task in tasks:
                task.result()

    def assert_all_well(self) -> None:
        """Assert that no answer was stale, and none an error."""
        errors = {what: times for what, times in self.statuses.items() if not what.endswith(" 200")}
        assert (self.stale, errors) == ([], {}), f"{self.stale} {errors} {self._site.log()[-4_000:]}"

    def _write(self, number: int) -> None:
        """Write numbers that grow; each account has one writer."""
        writers = self._numbers[0]
        with contextlib.ExitStack() as stack:
            visitors = {
                pk: stack.enter_context(contextlib.closing(Visitor(self._site.port, token)))
                for pk, token in self._accounts[number::writers]
            }
            self._write_to(visitors, random.Random(number))

    def _write_to(self, visitors: dict[int, Visitor], chosen: random.Random) -> None:
        for value in range(1, 1_000_000):
            if self._end.is_set():
                return
            pk = chosen.choice(list(visitors))
            answer = self._ask(visitors[pk], "PATCH", "/api/v1/users/me", {"bio": str(value)})
            if answer is not None:
                self._acknowledged[pk] = value
            time.sleep(0.005)

    def _read(self) -> None:
        with contextlib.closing(Visitor(self._site.port, self._accounts[0][1])) as visitor:
            while not self._end.is_set():
                pk = random.choice(self._accounts)[0]
                least = self._acknowledged[pk]
                answer = self._ask(visitor, "GET", f"/api/v1/users/{pk}")
                if answer is not None and int(answer["bio"] or 0) < least:
                    self.stale.append(f"user {pk}: {answer['bio']} after {least} at {time.time():.3f}")

    def _ask(self, visitor: Visitor, method: str, path: str, body: Any = None) -> Any:
        """Return the body of an answer; None for an error."""
        began = time.monotonic()
        try:
            status, answer = visitor.ask(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            status, answer = type(error).__name__, None
            visitor.close()
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self.statuses[f"{method} {status}"] += 1
        return answer if status == 200 else None
