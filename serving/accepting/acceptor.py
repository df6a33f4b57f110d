"""How workers share the connections to their one listening socket.

Left alone, the worker that wakes first takes all that wait, and keeps them for as long as the clients stay. Here each
says in shared memory how many others may have; one that has more than its share leaves the queue to the others.
"""

import asyncio
import logging
import select
import socket
import ssl
from collections.abc import Callable

from serving.accepting.connection_shares import ConnectionShare

BATCH = 128  # connections of one turn of the loop, some 6 ms: whoever is late waits for fewer turns of those before
AGAIN_S = 0.001  # after which a worker that left the queue to others looks whether they came
YIELD_LIMIT_S = 0.02  # after which they are taken to be stopped, or too busy: somebody has waited all that while
UNLIMITED_S = 0.05  # and for how long the worker then asks for no share
EXHAUSTED_S = 1.0
HEADROOM = 2  # connections that others may have more, besides a sixteenth
HEADROOM_WHILE_AWAY = 8  # the same, of one that left the queue: nobody shall wait until it comes back
logger = logging.getLogger("uvicorn.error")


class Acceptor:
    """Accepts the connections to one listening socket, within the worker's share of them."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        slot: ConnectionShare,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock, self._protocol, self._slot, self._tls = sock, protocol, slot, tls
        self._queue = select.poll()
        self._queue.register(sock.fileno(), select.POLLIN)
        self._again: asyncio.TimerHandle | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        self._patient_until = self._alone_until = 0.0
        self._listen()

    def close(self) -> None:
        self._slot.close()
        self._loop.remove_reader(self._sock.fileno())
        if self._again:
            self._again.cancel()

    def _listen(self) -> None:
        self._slot.accept(ahead=HEADROOM)
        self._loop.add_reader(self._sock.fileno(), self._accept)

    def _accept(self) -> None:
        alone = self._loop.time() < self._alone_until
        for _ in range(BATCH):
            if not alone and self._slot.exceeded():
                self._patient_until = self._loop.time() + YIELD_LIMIT_S
                self._slot.accept(ahead=HEADROOM_WHILE_AWAY)
                self._pause(AGAIN_S, self._look_again)
                return
            try:
                connection, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no file descriptor is left, or no memory
                logger.error("No connection is accepted for %d s: %s", EXHAUSTED_S, error)
                self._slot.close()
                self._pause(EXHAUSTED_S, self._listen)
                return
            self._slot.add(1)
            task = self._loop.create_task(self._connect(connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection, ssl=self._tls)
        except OSError:  # TLS that failed; the protocol has not heard of this connection
            self._slot.add(-1)

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._again = self._loop.call_later(seconds, then)

    def _look_again(self) -> None:
        if self._queue.poll(0) and self._slot.exceeded():
            if self._loop.time() < self._patient_until:
                self._again = self._loop.call_later(AGAIN_S, self._look_again)
                return
            self._alone_until = self._loop.time() + UNLIMITED_S
        self._listen()
