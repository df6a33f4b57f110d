"""A server that is farther away: a TCP proxy that hands on what it gets after half of a round trip, either way.

`python -m loadtest.bench.latency_proxy PORT ROUND_TRIP_MS` prints the port that it listens on. Standard library only, and no
asyncio: a real distance takes no CPU, so this one takes as little as it can of what the servers share with it.
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
BLOCK = 1 << 16
READABLE, BOTH = select.EPOLLIN, select.EPOLLIN | select.EPOLLOUT


class Proxy(NamedTuple):
    port: int
    pid: int


@contextmanager
def farther(port: int, *, round_trip_ms: float) -> Iterator[Proxy]:
    """A proxy to this port of this machine, in a process of its own, for as long as the block lasts."""
    command = [sys.executable, "-m", "loadtest.bench.latency_proxy", str(port), str(round_trip_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=servers.end_with_parent) as process:
        try:
            yield Proxy(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


class End:
    """One end of a connection; what it hears goes to the `other`."""

    other: "End"

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        self.socket = connection
        self.left = b""  # has arrived, and the receiver has no room for it yet
        self.waits_for_room = False
        self.is_last = False  # nothing will arrive after it

    def heard(self) -> bytes | None:
        """No bytes for the end of the connection, None if there was nothing after all."""
        try:
            return self.socket.recv(BLOCK)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def hand_over(self) -> None:
        try:
            self.left = self.left[self.socket.send(self.left) :]
        except BlockingIOError:
            pass
        except OSError:
            self.left, self.is_last = b"", True


class Road:
    """All bytes travel equally long, so what left first arrives first: one queue serves everybody."""

    def __init__(self, port: int, travel_s: float) -> None:
        self._port, self._travel_s = port, travel_s
        self._entrance = socket.create_server((HOST, 0))
        self._entrance.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._entrance, READABLE)
        self._ends: dict[int, End] = {}  # by file number
        self._travelling: deque[tuple[float, End, bytes]] = deque()

    @property
    def entrance(self) -> int:
        return int(self._entrance.getsockname()[1])

    def serve(self) -> NoReturn:
        travelling, clock = self._travelling, time.monotonic
        while True:
            # epoll waits for whole milliseconds, longer than what is wanted here; select() for microseconds.
            select.select([self._poll], [], [], max(0.0, travelling[0][0] - clock()) if travelling else None)
            for number, events in self._poll.poll(0):
                end = self._ends.get(number)
                if end is None:
                    self._connect()
                elif events & select.EPOLLOUT:
                    self._hand_over(end)
                elif (data := end.heard()) is not None:
                    self._send(end, data)
            now = clock()
            while travelling and travelling[0][0] <= now:
                _, to, data = travelling.popleft()
                self._arrive(to, data)

    def _connect(self) -> None:
        with contextlib.suppress(BlockingIOError):
            client, _ = self._entrance.accept()
            try:
                server = socket.create_connection((HOST, self._port))
            except OSError:
                client.close()
                return
            near, far = End(client), End(server)
            near.other, far.other = far, near
            for end in (near, far):
                self._ends[end.socket.fileno()] = end
                self._poll.register(end.socket, READABLE)

    def _send(self, end: End, data: bytes) -> None:
        self._travelling.append((time.monotonic() + self._travel_s, end.other, data))
        if not data:
            self._forget(end)

    def _arrive(self, to: End, data: bytes) -> None:
        if to.socket.fileno() in self._ends:  # it may have hung up meanwhile
            to.left += data
            to.is_last = not data
            if not to.waits_for_room:
                self._hand_over(to)

    def _hand_over(self, end: End) -> None:
        end.hand_over()
        if bool(end.left) != end.waits_for_room:
            end.waits_for_room = not end.waits_for_room
            self._poll.modify(end.socket, BOTH if end.waits_for_room else READABLE)
        if end.is_last and not end.left:
            self._send(end, b"")

    def _forget(self, end: End) -> None:
        del self._ends[end.socket.fileno()]
        self._poll.unregister(end.socket)
        end.socket.close()


if __name__ == "__main__":
    road = Road(int(sys.argv[1]), float(sys.argv[2]) / 2_000)
    print(road.entrance, flush=True)
    road.serve()
