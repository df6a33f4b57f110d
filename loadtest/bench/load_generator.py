"""A load generator that costs little: keep-alive connections on one event loop, in a process of its own.

`python -m loadtest.bench.load_generator` reads an Order as JSON from standard input and prints an Outcome as JSON. Each connection
sends its next request as soon as it has the answer (a closed loop). Standard library only.
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

PATIENCE_S = 30.0
BLOCK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Order:
    """Send GETs of `paths` in turn, or PUTs of `bodies` in turn, under `tokens` in turn, until `seconds` are over or
    `requests` are sent. With `each`, a connection is one user's: it sends so many under one token, and begins with the
    path and the body of its number."""

    port: int
    paths: list[str]
    bodies: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    connections: int = 8
    seconds: float = 3600
    requests: int | None = None
    each: int | None = None

    def of_connection(self, number: int) -> "Order":
        own = {name: _from(number, getattr(self, name)) for name in ("paths", "bodies", "tokens")}
        return replace(self, **own | {"tokens": own["tokens"][:1]}, requests=self.each)


def _from(number: int, turn: list[str]) -> list[str]:
    at = number % len(turn) if turn else 0
    return turn[at:] + turn[:at]


@dataclass(frozen=True)
class Outcome:
    """`latencies_ms` of the answers with status 200, sorted; `errors` counts everything else by what it was."""

    requests: int
    seconds: float
    errors: dict[str, int]
    latencies_ms: list[float]

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        if not self.latencies_ms:
            return float("nan")
        return self.latencies_ms[min(len(self.latencies_ms) - 1, int(len(self.latencies_ms) * percent / 100))]


def run(order: Order) -> Outcome:
    """Carry out the order in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.bench.load_generator"], input=json.dumps(asdict(order)), capture_output=True, text=True,
        timeout=order.seconds + 2 * PATIENCE_S,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"The load generator failed: {done.stderr.strip()[-500:]}")
    return Outcome(**json.loads(done.stdout))


def requests_of(order: Order) -> Iterator[bytes]:
    """The bytes of each request. The proxy's header is what a TLS balancer in front would send."""
    method = "PUT" if order.bodies else "GET"
    lines = [f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{order.port}\r\n".encode() for path in order.paths]
    heads = [
        f"Accept: */*\r\nX-Forwarded-Proto: https\r\n{login}".encode()
        for login in ([f"Authorization: Bearer {token}\r\n" for token in order.tokens] or [""])
    ]
    bodies = [
        f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}".encode()
        for body in order.bodies
    ] or [b"\r\n"]
    return islice(map(b"".join, zip(*map(cycle, (lines, heads, bodies)), strict=False)), order.requests)


class Connection:
    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self.requests = requests
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
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
        """The status once the whole answer is here, else None; "closed" if the server hung up."""
        block = self.socket.recv(BLOCK)
        if not block:
            return "closed"
        self._received += block
        if self._length < 0:
            self._length = _whole_length(self._received)
        return self._received[9:12].decode() if 0 <= self._length <= len(self._received) else None


def _whole_length(received: bytes) -> int:
    """Bytes of head and body together, -1 while the head is incomplete."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return -1
    _, found, rest = received[:end].lower().partition(b"content-length:")
    if not found:
        raise SystemExit("The server answered without Content-Length, which this client does not understand.")
    return end + 4 + int(rest.partition(b"\r\n")[0])


class Generator:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._shared = requests_of(order)
        self._selector = selectors.DefaultSelector()
        self._waiting: set[Connection] = set()
        self._errors: Counter[str] = Counter()
        self._latencies_ms: list[float] = []
        self._sent = 0

    def run(self) -> Outcome:
        idle = [self._connected(self._requests_of(number)) for number in range(self._order.connections)]
        began = time.perf_counter()
        self._ends_at = began + self._order.seconds
        for connection in idle:
            self._next(connection)
        while self._waiting and time.perf_counter() < self._ends_at + PATIENCE_S:
            for key, _ in self._selector.select(timeout=1):
                self._receive(key.data)
        ended = time.perf_counter()
        self._errors["unanswered"] += len(self._waiting)
        return Outcome(self._sent, ended - began, dict(+self._errors), sorted(self._latencies_ms))

    def _requests_of(self, connection: int) -> Iterator[bytes]:
        return self._shared if self._order.each is None else requests_of(self._order.of_connection(connection))

    def _connected(self, requests: Iterator[bytes]) -> Connection:
        connection = Connection(self._order.port, requests)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        return connection

    def _next(self, connection: Connection) -> None:
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
        if status == "200":
            self._latencies_ms.append((time.perf_counter() - connection.sent_at) * 1000)
        else:
            self._errors[status] += 1
        self._next(connection)

    def _replace(self, connection: Connection, error: str) -> None:
        """A broken connection is an error, and goes on as a new one."""
        self._errors[error] += 1
        self._waiting.discard(connection)
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._next(self._connected(connection.requests))


if __name__ == "__main__":
    print(json.dumps(asdict(Generator(Order(**json.load(sys.stdin))).run())))
