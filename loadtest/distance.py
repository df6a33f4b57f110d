"""A server that is farther away: a TCP proxy that hands on what it gets after half of a round trip, either way.

`python -m loadtest.distance PORT ROUND_TRIP_MS` prints the port that it listens on. Standard library only.
"""

import asyncio
import select
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests import servers

HOST = "127.0.0.1"


class Proxy(NamedTuple):
    port: int
    pid: int


@contextmanager
def farther(port: int, *, round_trip_ms: float) -> Iterator[Proxy]:
    """A proxy to this port of this machine, in a process of its own, for as long as the block lasts."""
    command = [sys.executable, "-m", "loadtest.distance", str(port), str(round_trip_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=servers.end_with_parent) as process:
        try:
            yield Proxy(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


class Road:
    """All bytes travel equally long, so what left first arrives first: one queue and one timer serve everybody."""

    def __init__(self, travel_s: float) -> None:
        self._travel_s = travel_s
        self._loop = asyncio.get_running_loop()
        self._travelling: deque[tuple[float, asyncio.Transport, bytes]] = deque()

    def send(self, to: asyncio.Transport, data: bytes) -> None:
        """No data: the end of the connection."""
        arrives_at = self._loop.time() + self._travel_s
        self._travelling.append((arrives_at, to, data))
        if len(self._travelling) == 1:
            self._loop.call_at(arrives_at, self._arrive)

    def _arrive(self) -> None:
        travelling, now = self._travelling, self._loop.time()
        while travelling and travelling[0][0] <= now:
            _, to, data = travelling.popleft()
            if not data:
                to.close()
            elif not to.is_closing():
                to.write(data)
        if travelling:
            self._loop.call_at(travelling[0][0], self._arrive)


class End(asyncio.Protocol):
    """One end of a connection; what it hears goes to the `other`."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self.other: asyncio.Transport | None = None

    def data_received(self, data: bytes) -> None:
        self._road.send(self.other, data)

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is not None:
            self._road.send(self.other, b"")


class Entrance(End):
    def __init__(self, road: Road, port: int) -> None:
        super().__init__(road)
        self._port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.pause_reading()  # until there is somebody to tell
        self._connecting = asyncio.ensure_future(self._connect(transport))

    async def _connect(self, transport: asyncio.Transport) -> None:
        try:
            self.other, exit_ = await asyncio.get_running_loop().create_connection(
                lambda: End(self._road), HOST, self._port
            )
        except OSError:
            transport.abort()
            return
        exit_.other = transport
        transport.resume_reading()


class PunctualSelector(selectors.EpollSelector):
    """epoll waits for whole milliseconds, longer than what is wanted here; select() for microseconds."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            select.select([self], [], [], timeout)
            timeout = 0
        return super().select(timeout)


async def serve(port: int, round_trip_ms: float) -> None:
    loop, road = asyncio.get_running_loop(), Road(round_trip_ms / 2_000)
    server = await loop.create_server(lambda: Entrance(road, port), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(PunctualSelector())) as runner:
        runner.run(serve(int(sys.argv[1]), float(sys.argv[2])))
