"""Accept connections to the one listening socket that all workers share, each worker within its share.

Without shares, the worker that wakes first accepts all waiting connections, and keeps them for as long as the clients
stay. Here each worker publishes in shared memory how many connections the others may have; a worker that has more than
its share yields the queue to the others.
"""

import asyncio
import logging
import select
import socket
import ssl
from collections.abc import Callable
from typing import Any

from serving.accepting.connection_shares import ConnectionShare

BATCH = 128  # connections accepted in one turn of the event loop, about 6 ms
RECHECK_S = 0.001  # interval at which a worker that yielded looks whether the queue is empty
YIELD_LIMIT_S = 0.02  # longest time to yield while a connection waits: the other workers are stopped or too busy
UNLIMITED_S = 0.05  # time after that during which the worker ignores its share
EXHAUSTED_S = 1.0  # pause after the system ran out of file descriptors or memory
TLS_HANDSHAKE_S = 10
HEADROOM = 2  # connections that other workers may have more than this one, besides a sixteenth
HEADROOM_WHILE_YIELDING = 8  # headroom that a yielding worker grants, so that no connection waits for its return
logger = logging.getLogger(__name__)


class Acceptor:
    """Accepts the connections to one listening socket, within the worker's share of them.

    `make_room` is called when the system has no file descriptor left: it closes connections.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        share: ConnectionShare,
        *,
        make_room: Callable[[], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock, self._protocol, self._share, self._make_room = sock, protocol, share, make_room
        self._tls_options: dict[str, Any] = {"ssl": tls, "ssl_handshake_timeout": TLS_HANDSHAKE_S} if tls else {}
        self._queue = select.poll()
        self._queue.register(sock.fileno(), select.POLLIN)
        self._timer: asyncio.TimerHandle | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        self._yield_until = self._unlimited_until = 0.0
        self._listen()

    def close(self, *, accept_waiting: bool) -> None:
        """Stop accepting, and close this process's descriptor of the listening socket.

        Connections that wait in its queue are reset if no other process accepts them: accept them if `accept_waiting`.
        """
        while accept_waiting and self._accept_one():
            pass
        self._share.close()
        self._loop.remove_reader(self._sock.fileno())
        if self._timer:
            self._timer.cancel()
        self._sock.close()

    def _listen(self) -> None:
        self._share.set_headroom(HEADROOM)
        self._loop.add_reader(self._sock.fileno(), self._accept)

    def _accept(self) -> None:
        is_unlimited = self._loop.time() < self._unlimited_until
        for _ in range(BATCH):
            if not is_unlimited and self._share.exceeded():
                self._yield_until = self._loop.time() + YIELD_LIMIT_S
                self._share.set_headroom(HEADROOM_WHILE_YIELDING)
                self._pause(RECHECK_S, self._recheck)
                return
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Accept a connection, if one waits and the system has the resources."""
        try:
            connection, _ = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:  # no file descriptor is left, or no memory
            logger.error("No connection is accepted for %d s: %s", EXHAUSTED_S, error)
            self._make_room()
            self._share.close()
            self._pause(EXHAUSTED_S, self._listen)
            return False
        self._share.add(1)
        task = self._loop.create_task(self._connect(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return True

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection, **self._tls_options)
        except OSError:  # the TLS handshake failed, so connection_lost() of the protocol is not called
            self._share.add(-1)

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._timer = self._loop.call_later(seconds, then)

    def _recheck(self) -> None:
        if self._queue.poll(0) and self._share.exceeded():
            if self._loop.time() < self._yield_until:
                self._timer = self._loop.call_later(RECHECK_S, self._recheck)
                return
            self._unlimited_until = self._loop.time() + UNLIMITED_S
        self._listen()
