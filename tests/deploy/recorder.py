"""A service behind a proxy that writes down, byte for byte, what reaches it."""

import contextlib
import re
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


class Recorder(socketserver.ThreadingTCPServer):
    """`requests` are (head, body) as they came, `connections` how many were made, `open` how many there are.

    `answer` is what each request gets.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port: int = self.server_address[1]
        self.requests: list[tuple[bytes, bytes]] = []
        self.connections = self.open = 0
        self.received = 0
        self.answer = OK
        self.lock = threading.Lock()

    def headers(self) -> dict[str, list[str]]:
        """Return the headers of the last request by their names in lower case."""
        found: dict[str, list[str]] = {}
        for line in self.requests[-1][0].decode().split("\r\n")[1:-2]:
            name, _, value = line.partition(": ")
            found.setdefault(name.lower(), []).append(value)
        return found


class _Connection(socketserver.BaseRequestHandler):
    server: Any

    def handle(self) -> None:
        with self.server.lock:
            self.server.connections += 1
            self.server.open += 1
        self._buffer = b""
        with contextlib.suppress(ConnectionError):
            while (request := self._next()) is not None:
                self.server.requests.append(request)
                self.request.sendall(self.server.answer)
        with self.server.lock:
            self.server.open -= 1

    def _next(self) -> tuple[bytes, bytes] | None:
        if (head := self._until(rb"\r\n\r\n")) is None:
            return None
        if CHUNKED.search(head):
            return head, self._until(rb"(?:^|\r\n)0\r\n(?:[^\r]+\r\n)*\r\n") or b""
        length = int(found[1]) if (found := LENGTH.search(head)) else 0
        return head, self._until(rb"(?s).{%d}" % length) or b""

    def _until(self, end: bytes) -> bytes | None:
        """Return what comes up to the end of a match of `end`; None if the connection ends before."""
        while not (found := re.search(end, self._buffer)):
            if not (data := self.request.recv(65536)):
                return None
            self.server.received += len(data)
            self._buffer += data
        taken, self._buffer = self._buffer[: found.end()], self._buffer[found.end() :]
        return taken


@contextlib.contextmanager
def recorder() -> Iterator[Recorder]:
    """Run a recorder on a free port."""
    with Recorder() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
