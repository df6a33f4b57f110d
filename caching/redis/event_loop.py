"""Commands to Redis from an event loop: those of one turn of the loop leave as one pipeline for each server.

One server, the servers of a Redis Cluster, and the master that Sentinels name are spoken to over links of a few lines
(see link).
"""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from django.core.signals import setting_changed

from ..conf import conf
from .breaker import breaker
from .client import redis_client
from .client_side import ClientSideCache
from .cluster import on_cluster, slot_map
from .cluster_links import ClusterLinks
from .epochs import Run, UnknownRun, epochs
from .failures import FAILURES
from .link import KINDS, RedisProtocol, Replied, Unsupported, connect
from .master_link import open_master_link
from .script import Command
from .sentinel import on_sentinel

logger = logging.getLogger(__name__)


class EventLoopClient:
    """The links of one event loop; made at the first use, and again after they were lost.

    It closes them when the loop ends by asyncio.run(), or by shutdown_asyncgens().
    """

    def __init__(self) -> None:
        self._protocol: RedisProtocol | ClusterLinks | None = None
        self._run: Run | None = None  # of one Redis alone; a cluster's links are by server
        self._connecting: asyncio.Task[None] | None = None
        self._lifetime: AsyncGenerator[None] | None = None
        self._retry_at = 0.0
        self._has_warned = False

    def send(self, commands: Sequence[Command], replied: Replied) -> bool:
        """Send commands; return False if Redis cannot be used now. Otherwise `replied` is called once, later.

        On a cluster some replies may be missing: an exception is in their place.
        """
        if not breaker.is_closed:
            return False
        if self._protocol is None or self._run is not epochs.runs.get(None):
            self.close()
            self._connect()
            return False
        return self._protocol.send(commands, replied)

    @property
    def client_side(self) -> ClientSideCache | None:
        """What is known of entries without reading them, once send() has told it to be so."""
        return None if self._protocol is None else self._protocol.client_side

    async def ask(self, commands: Sequence[Command]) -> list[Any] | None:
        """Return the replies, once there is a connection; None if Redis cannot be used now."""
        if self._protocol is None and breaker.is_closed:
            self._connect()
            if self._connecting is not None:
                await asyncio.shield(self._connecting)  # others wait for it too
        replied = asyncio.get_running_loop().create_future()
        sent = self.send(commands, lambda replies: None if replied.done() else replied.set_result(replies))
        return await replied if sent else None

    def close(self) -> None:
        """Close the connection, if there is one; callers who wait for replies get None."""
        if self._protocol is not None:
            self._protocol.close()

    def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        if self._connecting is None and loop.time() >= self._retry_at:
            self._connecting = loop.create_task(self._open())

    async def _open(self) -> None:
        try:
            self._protocol = await _open_protocol(self)
            self._run = epochs.runs.get(None)
            self._has_warned = False
            if self._lifetime is None:
                self._lifetime = self._close_with_loop()
                await anext(self._lifetime)
        except (*FAILURES, Unsupported) as error:
            if isinstance(error, UnknownRun):
                breaker.trip(error)  # a thread agrees on it with the other processes, which takes the database
            self._retry_at = asyncio.get_running_loop().time() + conf().retry_ms / 1000
            if not self._has_warned:
                self._has_warned = True
                logger.warning("The event loop has no connection to Redis, threads read the cache for it: %s", error)
        finally:
            self._connecting = None

    async def _close_with_loop(self) -> AsyncGenerator[None]:
        # A loop that ends closes the asynchronous generators that it has begun: the only notice that it gives.
        try:
            yield
        finally:
            self.close()
            await asyncio.sleep(0)  # the transport closes its socket in the loop's next turn

    def lost(self, protocol: RedisProtocol) -> None:
        """Forget a connection that was lost; the next send() makes another."""
        if self._protocol is protocol:
            self._protocol = None


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, EventLoopClient] = WeakKeyDictionary()
_lock = threading.Lock()


def client_of_loop() -> EventLoopClient:
    """Return the client that the callers in the running event loop share."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        with _lock:
            for ended in [each for each in _clients if each.is_closed()]:  # their connections keep them alive
                del _clients[ended]
            client = _clients[loop] = EventLoopClient()
    return client


def _forget_clients(*, setting: str, **_: object) -> None:
    if setting == "CACHES":
        _clients.clear()


setting_changed.connect(_forget_clients)


def is_supported() -> bool:
    """Return whether an EventLoopClient can speak to the Redis of the settings."""
    return on_cluster() or on_sentinel() or _kind() in KINDS


async def _open_protocol(client: EventLoopClient) -> RedisProtocol | ClusterLinks:
    if on_cluster():
        links = ClusterLinks(slot_map())
        await links.open()
        return links
    if on_sentinel():
        link: RedisProtocol = await open_master_link(client.lost)
    else:
        options = redis_client().connection_pool.connection_kwargs
        link = RedisProtocol(await connect(_kind(), options), options.get("socket_timeout"), client.lost)
    link.track()
    return link


def _kind() -> str:
    return str(redis_client().connection_pool.connection_class.__name__)
