"""Clients who read and write through the load balancer, and account for each request; in a process of their own.

Each client is one account on one keep-alive connection. It sends nothing twice: a request has one outcome, its status
or an error, and what was no 2xx is recorded whole. It knows what its account must be like, so that an answer that is
not what was written last is counted as wrong. `python -m tests.topologies.hosts.load FILE` takes Load as JSON from the
file and writes the outcome beside it, each second and at the end, which SIGTERM brings about.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

TIMEOUT_S = 40.0
# Of twenty requests of a client.
MIX = [*["user"] * 11, *["me"] * 3, *["popup"] * 2, "bio", "bio", "keyed post", "comment"]


@dataclass(frozen=True, kw_only=True)
class Load:
    """So many requests a second by clients with these accounts, each (id, access token), on the post `post_id`."""

    port: int
    accounts: list[tuple[int, str]]
    post_id: int
    per_second: int
    most: int  # requests in all


@dataclass
class Outcome:
    """What became of the requests; `lost` has (request id, kind, what happened, when sent, when it was known)."""

    sent: int = 0
    answered: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    lost: list[tuple[str, str, str, float, float]] = field(default_factory=list)
    connections: int = 0


class Client:
    """A client; `_bios` are the texts that its profile may have: one, or two after a write of unknown outcome."""

    def __init__(self, number: int, load: Load, outcome: Outcome) -> None:
        self._load, self._outcome, self._number = load, outcome, number
        self._token = load.accounts[number][1]
        self._bios = {""}
        self._ids = itertools.count(1)
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, end: asyncio.Event) -> None:
        """Send requests, evenly spread, until `end`."""
        pause_s = len(self._load.accounts) / self._load.per_second
        await asyncio.sleep(pause_s * self._number / len(self._load.accounts))
        for kind in itertools.islice(itertools.cycle(MIX), self._number, None):
            if end.is_set() or self._outcome.sent >= self._load.most:
                return
            started = time.monotonic()
            await self._ask(kind)
            await asyncio.sleep(max(0.0, started + pause_s - time.monotonic()))

    async def _ask(self, kind: str) -> None:
        request_id = f"load-{self._number}-{next(self._ids)}"
        method, path, body, headers = self._request(kind, request_id)
        sent = time.time()
        self._outcome.sent += 1
        if kind == "bio":
            self._bios.add(body["bio"])
        try:
            status, answer = await asyncio.wait_for(self._exchange(method, path, body, headers), TIMEOUT_S)
        except (OSError, EOFError, ValueError) as error:
            self._close()
            status, answer = repr(error), b""
        if not status.startswith("2"):
            self._outcome.lost.append((request_id, kind, status, sent, time.time()))
            return
        self._outcome.answered[kind] = self._outcome.answered.get(kind, 0) + 1
        self._compare(kind, json.loads(answer) if answer else {}, body, request_id)

    def _request(self, kind: str, request_id: str) -> tuple[str, str, Any, dict[str, str]]:
        headers = {"Host": "localhost", "Authorization": f"Bearer {self._token}", "X-Request-ID": request_id}
        match kind:
            case "user":
                other = self._load.accounts[(self._number + next(self._ids)) % len(self._load.accounts)][0]
                return "GET", f"/api/v1/users/{other}", None, headers
            case "me":
                return "GET", "/api/v1/users/me", None, headers
            case "popup":
                return "GET", "/api/v1/popups/next?placement=home", None, headers
            case "bio":
                return "PATCH", "/api/v1/users/me", {"bio": request_id}, headers
            case "keyed post":
                return "POST", "/api/v1/posts", {"text": request_id}, {**headers, "Idempotency-Key": request_id}
        return "POST", f"/api/v1/posts/{self._load.post_id}/comments", {"text": request_id}, headers

    def _compare(self, kind: str, answer: Any, body: Any, request_id: str) -> None:
        if kind == "bio":
            self._bios = {body["bio"]}
        if kind in {"bio", "me"} and answer["bio"] not in self._bios:
            self._outcome.wrong.append(f"{request_id}: {answer['bio']!r} instead of {self._bios}")
        if kind == "me":
            self._bios = {answer["bio"]}

    async def _exchange(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[str, bytes]:
        if self._connection is None:
            self._connection = await asyncio.open_connection("127.0.0.1", self._load.port)
            self._outcome.connections += 1
        reader, writer = self._connection
        content = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            headers = {**headers, "Content-Type": "application/json", "Content-Length": str(len(content))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await reader.readexactly(length)
        if b"\r\nconnection: close\r\n" in head:
            self._close()
        return head[9:12].decode(), answer

    def _close(self) -> None:
        if self._connection is not None:
            self._connection[1].close()
            self._connection = None


async def run(load: Load, result: Path) -> None:
    """Write the outcome to the file `result` every second, and when all clients have their answers."""
    outcome, end = Outcome(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    clients = asyncio.gather(*(Client(number, load, outcome).run(end) for number in range(len(load.accounts))))
    for _ in _until_done(clients):
        _write(result, outcome)
        await asyncio.wait([clients], timeout=0.5)
    await clients
    _write(result, outcome)


def _until_done(task: "asyncio.Future[Any]") -> Iterator[None]:
    while not task.done():
        yield


def _write(path: Path, outcome: Outcome) -> None:
    """Replace the file as a whole, because it is read meanwhile."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(outcome)))
    os.replace(draft, path)


if __name__ == "__main__":
    given = Path(sys.argv[1])
    asyncio.run(run(Load(**json.loads(given.read_text())), given.with_suffix(".outcome")))
