"""Slow and endless clients, on one event loop in a process of its own.

`python -m loadtest.bench.slow_clients` reads SlowLoad as JSON from standard input, prints a line when all clients are
connected, and ends after `seconds`. Each client does what its kind says, and connects anew some seconds after the
server has closed its connection: these clients are slow, and no flood. Standard library only.
"""

import contextlib
import json
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

TICK_S = 0.5
RECONNECT_S = 5.0
BODY_BYTES, SENT_BYTES, SENT_PER_TICK = 2_500_000, 2_400_000, 64 << 10
KINDS = ("silent", "half head", "endless header", "dripped head", "unfinished body", "slow reader")
CONNECTS_PER_TICK = 200  # so that the server's queue of new connections is left to others
_BEGIN = "{} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n"


@dataclass(frozen=True, kw_only=True)
class SlowLoad:
    """The number of clients, of all kinds in turn, and the port that they connect to for `seconds`.

    A slow reader asks for `path` again and again, and reads nothing.
    """

    port: int
    clients: int
    seconds: float
    path: str


@contextmanager
def slow_clients(load: SlowLoad) -> Iterator[None]:
    """Run the clients in a process of its own while the block lasts, at most for the seconds of the load."""
    command = [sys.executable, "-m", "loadtest.bench.slow_clients"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdin and process.stdout:
                process.stdin.write(json.dumps(asdict(load)))
                process.stdin.close()
                process.stdout.readline()
            yield
        finally:
            process.terminate()


class SlowClient:
    """One client: its kind, and the connection that it has at the moment."""

    def __init__(self, kind: str, load: SlowLoad) -> None:
        self.kind, self._load = kind, load
        self.socket: socket.socket | None = None
        self._unsent = b""
        self.connects_at = 0.0

    def connect(self) -> None:
        """Connect, and begin a request."""
        self.socket = socket.create_connection(("127.0.0.1", self._load.port), timeout=2)
        self.socket.setblocking(False)
        self._unsent = self._first()
        self.send()

    def _first(self) -> bytes:
        get, post = _BEGIN.format(f"GET {self._load.path}").encode(), _BEGIN.format("POST /api/v1/auth/token").encode()
        return {
            "silent": b"",
            "half head": get,
            "endless header": get + b"X-A: " + b"a" * 100_000,
            "dripped head": get,
            "unfinished body": post + b"Content-Length: %d\r\n\r\n" % BODY_BYTES + b" " * SENT_BYTES,
            "slow reader": (get + b"\r\n") * 50,
        }[self.kind]

    def send(self) -> None:
        """Send what the connection takes; raise OSError if the server has closed it."""
        if self.socket is not None and self._unsent:
            with contextlib.suppress(BlockingIOError):
                self._unsent = self._unsent[self.socket.send(self._unsent[:SENT_PER_TICK]) :]

    def tick(self) -> None:
        """Send a little more, as the kind has it."""
        more = {"dripped head": b"X-A: 1\r\n", "endless header": b"a" * 10_000}
        if not self._unsent:
            self._unsent = more.get(self.kind, b"")
        self.send()

    def close(self) -> None:
        """Close the connection."""
        if self.socket is not None:
            self.socket.close()
        self.socket, self.connects_at = None, time.monotonic() + RECONNECT_S


class SlowClients:
    """All clients of a load."""

    def __init__(self, load: SlowLoad) -> None:
        self._load = load
        self._selector = selectors.DefaultSelector()
        self._clients = [SlowClient(KINDS[number % len(KINDS)], load) for number in range(load.clients)]
        self.reconnects: Counter[str] = Counter()

    def run(self) -> None:
        """Keep the clients busy until the end."""
        ends_at, said = time.monotonic() + self._load.seconds, False
        while time.monotonic() < ends_at:
            now = time.monotonic()
            missing = [client for client in self._clients if client.socket is None and client.connects_at < now]
            for client in missing[:CONNECTS_PER_TICK]:
                self._attempt(client, client.connect)
            if not said and len(missing) <= CONNECTS_PER_TICK:
                print("connected", flush=True)
                said = True
            self._wait(time.monotonic() + (TICK_S if said else 0))
            for client in self._clients:
                self._attempt(client, client.tick)

    def _wait(self, until: float) -> None:
        """Notice which connections the server closes."""
        while (left_s := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(left_s):
                self._read(key.data)

    def _read(self, client: SlowClient) -> None:
        if client.socket is None:
            return
        try:
            ended = not client.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended:
            self._lose(client)

    def _attempt(self, client: SlowClient, action: Callable[[], None]) -> None:
        was_connected = client.socket is not None
        try:
            action()
        except OSError:
            self._lose(client)
            return
        if not was_connected and client.socket is not None and client.kind != "slow reader":
            self._selector.register(client.socket, selectors.EVENT_READ, client)

    def _lose(self, client: SlowClient) -> None:
        self.reconnects[client.kind] += 1
        if client.socket is not None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(client.socket)
        client.close()


if __name__ == "__main__":
    running = SlowClients(SlowLoad(**json.load(sys.stdin)))
    running.run()
    print(json.dumps(running.reconnects))
