"""A TCP proxy that adds latency: it delivers everything after half of a round trip, in either direction.

`python -m loadtest.bench.latency_proxy PORT ROUND_TRIP_MS` prints the port that it listens on. Standard library only,
and no asyncio: real network latency takes no CPU, so the proxy should take as little as possible from the servers.
"""

import contextlib
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, NoReturn

from devtools import servers

HOST = "127.0.0.1"
RECEIVE_BYTES = 1 << 16
READABLE, BOTH = select.EPOLLIN, select.EPOLLIN | select.EPOLLOUT


class ProxyProcess(NamedTuple):
    """A running latency proxy: the port that it listens on, and its process id."""

    port: int
    pid: int


@contextmanager
def run_latency_proxy(port: int, *, round_trip_ms: float) -> Iterator[ProxyProcess]:
    """Run a proxy to a port of this machine, in a process of its own, while the block lasts."""
    command = [sys.executable, "-m", "loadtest.bench.latency_proxy", str(port), str(round_trip_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=servers.end_with_parent) as process:
        try:
            yield ProxyProcess(int(process.stdout.readline()), process.pid)  # type: ignore[union-attr]  # a pipe
        finally:
            process.terminate()


class Side:
    """One of the two sockets of a proxied connection; what it receives is sent to its `peer`."""

    peer: "Side"

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        self.socket = connection
        self.unsent = b""  # delivered by the proxy, not yet accepted by the kernel's send buffer
        self.waits_for_buffer = False
        self.is_last = False  # nothing will be delivered after `unsent`

    def receive(self) -> bytes | None:
        """Return the bytes received; none at the end of the connection, None if there was nothing to receive."""
        try:
            return self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def send_unsent(self) -> None:
        """Send as much as the kernel accepts; drop the rest if the connection is broken."""
        try:
            self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self.unsent, self.is_last = b"", True


class LatencyProxy:
    """All bytes take equally long, so bytes that are sent first arrive first: one queue serves all connections."""

    def __init__(self, port: int, one_way_s: float) -> None:
        self._target_port, self._one_way_s = port, one_way_s
        self._listener = socket.create_server((HOST, 0))
        self._listener.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._listener, READABLE)
        self._sides: dict[int, Side] = {}  # by file number
        self._in_flight: deque[tuple[float, Side, bytes]] = deque()  # (time of arrival, receiver, data)

    @property
    def port(self) -> int:
        """The port that the proxy listens on."""
        return int(self._listener.getsockname()[1])

    def serve(self) -> NoReturn:
        """Accept and serve connections until the process is terminated."""
        in_flight, clock = self._in_flight, time.monotonic
        while True:
            # epoll waits in whole milliseconds, which is too coarse here; select() waits in microseconds.
            select.select([self._poll], [], [], max(0.0, in_flight[0][0] - clock()) if in_flight else None)
            for number, events in self._poll.poll(0):
                side = self._sides.get(number)
                if side is None:
                    self._connect()
                elif events & select.EPOLLOUT:
                    self._deliver(side)
                elif (data := side.receive()) is not None:
                    self._send(side, data)
            now = clock()
            while in_flight and in_flight[0][0] <= now:
                _, receiver, data = in_flight.popleft()
                self._arrive(receiver, data)

    def _connect(self) -> None:
        with contextlib.suppress(BlockingIOError):
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection((HOST, self._target_port))
            except OSError:
                client.close()
                return
            near, far = Side(client), Side(server)
            near.peer, far.peer = far, near
            for side in (near, far):
                self._sides[side.socket.fileno()] = side
                self._poll.register(side.socket, READABLE)

    def _send(self, sender: Side, data: bytes) -> None:
        self._in_flight.append((time.monotonic() + self._one_way_s, sender.peer, data))
        if not data:
            self._close(sender)

    def _arrive(self, receiver: Side, data: bytes) -> None:
        if receiver.socket.fileno() in self._sides:  # it may have been closed meanwhile
            receiver.unsent += data
            receiver.is_last = not data
            if not receiver.waits_for_buffer:
                self._deliver(receiver)

    def _deliver(self, side: Side) -> None:
        side.send_unsent()
        if bool(side.unsent) != side.waits_for_buffer:
            side.waits_for_buffer = not side.waits_for_buffer
            self._poll.modify(side.socket, BOTH if side.waits_for_buffer else READABLE)
        if side.is_last and not side.unsent:
            self._send(side, b"")

    def _close(self, side: Side) -> None:
        del self._sides[side.socket.fileno()]
        self._poll.unregister(side.socket)
        side.socket.close()


if __name__ == "__main__":
    proxy = LatencyProxy(int(sys.argv[1]), float(sys.argv[2]) / 2_000)
    print(proxy.port, flush=True)
    proxy.serve()
