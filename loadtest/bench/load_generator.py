"""A load generator that takes little CPU: keep-alive connections on one event loop, in a process of its own.

`python -m loadtest.bench.load_generator` reads a Workload as JSON from standard input and prints an Outcome as JSON.
Each connection sends its next request as soon as it has the answer (a closed loop). Standard library only.
"""

import json
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import cycle, islice
from typing import Any

ANSWER_TIMEOUT_S = 30.0
RECEIVE_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What to send: GETs of `paths`, or PUTs (or another `method`) of `bodies`, with the access `tokens`, each of the
    three lists in turn.

    It ends after `seconds`, or after `requests`. With `requests_each`, every connection belongs to one user: it sends
    that many requests with one token, and starts at the path and the body of its own number.
    """

    port: int
    paths: list[str]
    bodies: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    method: str = "PUT"
    connections: int = 8
    seconds: float = 3600
    requests: int | None = None
    requests_each: int | None = None

    def of_connection(self, number: int) -> "Workload":
        """Return the part of one connection, for `requests_each`."""
        paths, bodies, tokens = (_rotated(number, values) for values in (self.paths, self.bodies, self.tokens))
        return replace(self, paths=paths, bodies=bodies, tokens=tokens[:1], requests=self.requests_each)


def _rotated(number: int, values: list[str]) -> list[str]:
    start = number % len(values) if values else 0
    return values[start:] + values[:start]


@dataclass(frozen=True)
class Outcome:
    """`latencies_ms` of the answers with a status of 2xx, sorted; `errors` counts others by status or kind of error."""

    requests: int
    seconds: float
    errors: dict[str, int]
    latencies_ms: list[float]

    @property
    def per_second(self) -> float:
        """Successful answers per second."""
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """Return a percentile of the latencies; 100 is the longest, and NaN means that nothing was answered."""
        if not self.latencies_ms:
            return float("nan")
        return self.latencies_ms[min(len(self.latencies_ms) - 1, int(len(self.latencies_ms) * percent / 100))]


def run_load(workload: Workload) -> Outcome:
    """Send a workload from a process of its own; raise RuntimeError if that process fails."""
    return Outcome(**run_apart("loadtest.bench.load_generator", workload, workload.seconds))


def run_apart(module: str, asked: Any, seconds: float) -> dict[str, Any]:
    """Run a module, which reads a dataclass and writes another one, as JSON, in a process of its own; return the other.

    `seconds` is for how long it is asked to work. Raises RuntimeError if it fails, subprocess.TimeoutExpired if it goes
    on for ever.
    """
    done = subprocess.run(
        [sys.executable, "-m", module], input=json.dumps(asdict(asked)), capture_output=True, text=True,
        timeout=seconds + 2 * ANSWER_TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr.strip()[-500:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def encoded_requests(workload: Workload) -> Iterator[bytes]:
    """Yield the bytes of each request, with the header of a proxy that terminates TLS."""
    method = workload.method if workload.bodies else "GET"
    lines = [f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{workload.port}\r\n".encode() for path in workload.paths]
    headers = [
        f"Accept: */*\r\nX-Forwarded-Proto: https\r\n{login}".encode()
        for login in ([f"Authorization: Bearer {token}\r\n" for token in workload.tokens] or [""])
    ]
    bodies = [
        f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}".encode()
        for body in workload.bodies
    ] or [b"\r\n"]
    return islice(map(b"".join, zip(*map(cycle, (lines, headers, bodies)), strict=False)), workload.requests)


class Connection:
    """A keep-alive connection with at most one request under way."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self.requests = requests
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.sent_at = 0.0
        self._received = b""
        self._length = -1

    def send(self, request: bytes) -> None:
        self._received, self._length = b"", -1
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> str | None:
        """Receive; return the status of a complete answer, "closed" if the server closed the connection, else None."""
        received = self.socket.recv(RECEIVE_BYTES)
        if not received:
            return "closed"
        self._received += received
        if self._length < 0:
            self._length = _whole_length(self._received)
        return self._received[9:12].decode() if 0 <= self._length <= len(self._received) else None

    def body(self) -> bytes:
        """Return the body of a complete answer."""
        return self._received.partition(b"\r\n\r\n")[2]


def _whole_length(received: bytes) -> int:
    """Return the length of headers and body together; -1 while the headers are incomplete."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return -1
    _, found, rest = received[:end].lower().partition(b"content-length:")
    if not found:
        raise SystemExit("The server answered without Content-Length, which this client does not understand.")
    return end + 4 + int(rest.partition(b"\r\n")[0])


class LoadGenerator:
    """Sends a workload and measures its answers."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._shared = encoded_requests(workload)
        self._selector = selectors.DefaultSelector()
        self._waiting: set[Connection] = set()
        self._errors: Counter[str] = Counter()
        self._latencies_ms: list[float] = []
        self._sent = 0

    def run(self) -> Outcome:
        """Send the workload, and wait for the last answers, at most ANSWER_TIMEOUT_S."""
        idle = [self._connect(self._requests_of(number)) for number in range(self._workload.connections)]
        began = time.perf_counter()
        self._ends_at = began + self._workload.seconds
        for connection in idle:
            self._send_next(connection)
        while self._waiting and time.perf_counter() < self._ends_at + ANSWER_TIMEOUT_S:
            for key, _ in self._selector.select(timeout=1):
                self._receive(key.data)
        ended = time.perf_counter()
        self._errors["unanswered"] += len(self._waiting)
        return Outcome(self._sent, ended - began, dict(+self._errors), sorted(self._latencies_ms))

    def _requests_of(self, connection: int) -> Iterator[bytes]:
        return (
            self._shared
            if self._workload.requests_each is None
            else encoded_requests(self._workload.of_connection(connection))
        )

    def _connect(self, requests: Iterator[bytes]) -> Connection:
        connection = Connection(self._workload.port, requests)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        return connection

    def _send_next(self, connection: Connection) -> None:
        if time.perf_counter() < self._ends_at and (request := next(connection.requests, None)):
            self._sent += 1
            self._waiting.add(connection)
            try:
                connection.send(request)
            except OSError as error:
                self._replace(connection, type(error).__name__)

    def _receive(self, connection: Connection) -> None:
        try:
            status = connection.answer()
        except OSError as error:
            status = type(error).__name__
        if status is None:
            return
        if not status.isdigit():
            self._replace(connection, status)
            return
        self._waiting.discard(connection)
        self._note_answer(connection, status)
        self._send_next(connection)

    def _note_answer(self, connection: Connection, status: str) -> None:
        if status.startswith("2"):
            self._latencies_ms.append((time.perf_counter() - connection.sent_at) * 1000)
        else:
            self._errors[status] += 1

    def _replace(self, connection: Connection, error: str) -> None:
        """Count an error, and open a new connection instead of the broken one."""
        self._errors[error] += 1
        self._waiting.discard(connection)
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._send_next(self._connect(connection.requests))


if __name__ == "__main__":
    print(json.dumps(asdict(LoadGenerator(Workload(**json.load(sys.stdin))).run())))
