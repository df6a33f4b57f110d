"""The connections of one worker: what they share, and the limits that keep clients from exhausting the worker."""

import asyncio
import heapq
import math
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, Protocol

from uvicorn import Config
from uvicorn.server import ServerState

from serving.accepting.connection_shares import ConnectionShare
from serving.requests.limits import MAX_INPUT_BYTES, MAX_OUTPUT_BYTES

EVICTED_SHARE = 16  # one in so many connections makes way for new ones at a time
Environ = Mapping[str, Any]


class Client(Protocol):
    """A connection, as far as Connections knows it."""

    idle_since: float
    """The time of the event loop since which the client is expected to send; infinity while it is not."""
    timeout_s: float
    """How long the client may take from `idle_since`."""

    def expire(self) -> None:
        """Act on the end of the client's time."""

    def close_if_idle(self) -> None:
        """Close the connection unless a request is in progress."""

    def abort(self) -> None:
        """Close the connection without sending what is buffered."""

    def unsent_bytes(self) -> int:
        """Return the number of bytes that are buffered because the client does not read them."""


class Connections:
    """The connections of a worker to the ASGI application `application`.

    A HotLane answers what it can; its bridge, or another application, gets all other requests.
    """

    def __init__(
        self,
        application: Any,
        *,
        keep_alive_s: float,
        max_connections: int,
        share: ConnectionShare,
    ) -> None:
        self.lane = application if hasattr(application, "try_answer") else None
        self.keep_alive_s = keep_alive_s
        self.draining = False
        """Whether every answer closes its connection; idle connections stay open for a last request."""
        self.server_state = ServerState()
        self.config = Config(
            _Application(getattr(application, "bridge", application)),
            interface="asgi3", http="httptools", loop="none", ws="none", lifespan="off", log_config=None,
            access_log=False, proxy_headers=False, server_header=False, timeout_keep_alive=math.ceil(keep_alive_s),
        )  # fmt: skip
        self.config.load()
        self._share, self._max_connections = share, max_connections
        self._open: dict[Client, None] = {}  # in the order of their arrival
        self._slow_readers: dict[Client, int] = {}
        self._input_bytes = 0
        self.tick()

    def __len__(self) -> int:
        return len(self._open)

    def tick(self) -> None:
        """Close the connections whose clients took too long; to be called once a second."""
        date = formatdate(usegmt=True).encode()
        self.server_state.default_headers = [(b"date", date)]
        self.date_line = b"date: %b\r\n" % date
        now = asyncio.get_running_loop().time()
        for client in [client for client in self._open if now >= client.idle_since + client.timeout_s]:
            client.expire()

    def add(self, client: Client) -> None:
        """Add a new connection. If descriptors run short, the connections that were idle longest make way for it."""
        self._open[client] = None
        if len(self._open) > self._max_connections:
            self.evict()

    def discard(self, client: Client) -> None:
        """Remove a closed connection."""
        self._open.pop(client, None)
        self._slow_readers.pop(client, None)
        self._share.add(-1)

    def evict(self) -> None:
        """Close a part of the connections, those that were idle longest."""
        idle = [client for client in self._open if client.idle_since < math.inf]
        count = len(self._open) // EVICTED_SHARE + 1
        for client in heapq.nsmallest(count, idle, key=lambda client: client.idle_since):
            client.close_if_idle()

    def close_idle(self) -> None:
        """Close all connections without a request in progress."""
        for client in list(self._open):
            client.close_if_idle()

    def count_input(self, count: int) -> bool:
        """Count buffered bytes of clients, negative ones when they are used; return whether there is room for them."""
        self._input_bytes += count
        return self._input_bytes <= MAX_INPUT_BYTES

    def add_slow_reader(self, client: Client) -> None:
        """Add a client that reads slower than the server writes.

        If the buffers of all these clients become too large, those of the ones that were first added are dropped.
        """
        self._slow_readers[client] = 0
        total = sum(reader.unsent_bytes() for reader in self._slow_readers)
        while total > MAX_OUTPUT_BYTES and self._slow_readers:
            slowest = next(iter(self._slow_readers))
            total -= slowest.unsent_bytes()
            del self._slow_readers[slowest]
            slowest.abort()

    def remove_slow_reader(self, client: Client) -> None:
        """Remove a client that has caught up."""
        self._slow_readers.pop(client, None)


class _Application:
    """Calls an ASGI application with what the hot lane found out, and tells the connection when it has answered."""

    def __init__(self, bridge: Any) -> None:
        self._bridge = bridge

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        connection = scope["state"]["connection"]
        is_begun = is_complete = False

        async def send_last(message: Any) -> None:
            nonlocal is_begun, is_complete
            is_begun = True
            if message["type"] == "http.response.body":
                is_complete = not message.get("more_body")
            elif connection.is_ending() or scope["http_version"] == "1.0":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        try:
            await self._bridge(scope, receive, send_last, connection.take_extra_environ())
            if not is_complete:  # the client took too long, or has left
                connection.abort()
                await asyncio.sleep(0)  # uvicorn's protocol learns of it, and logs no error
        except BaseException:
            if is_begun and not is_complete:  # or the client would wait for the rest
                connection.abort()
            raise
        finally:
            connection.request_answered()
