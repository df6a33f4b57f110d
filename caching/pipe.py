"""The way to Redis from an event loop: the commands of all who ask within one turn of the loop leave as one pipeline.

redis-py makes the connection (TCP, TLS or a unix socket; login, database), then its transport is handed to a protocol
of a few lines: its own pipeline costs five times as much. The circuit breaker is the one that threads use.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import hiredis
from redis.asyncio import connection as asyncio_connections
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from caching import store
from caching.conf import conf
from caching.connection import FAILURES, Command, on_cluster, redis_client

logger = logging.getLogger(__name__)

_MISSING = object()
_KINDS = ("Connection", "SSLConnection", "UnixDomainSocketConnection")
_OPTIONS = (
    "host", "port", "path", "db", "username", "password", "credential_provider", "client_name", "socket_keepalive",
    "socket_keepalive_options", "socket_connect_timeout",
)  # fmt: skip

Replied = Callable[[list[Any] | None], None]
"""Is called with the replies, errors among them as exceptions; with None where Redis did not answer in time."""


class Unsupported(Exception):
    """Redis is set up in a way that the pipe does not know."""


class Pipe:
    """One connection, for one event loop; made when it is first asked for, and again when it was lost.

    It speaks to one server. For Redis Cluster and Sentinel it says once that it does not, and answers nothing.
    """

    def __init__(self) -> None:
        self._link: _Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._retry_at = 0.0
        self._complained = False

    def ask(self, commands: Sequence[Command], replied: Replied) -> bool:
        """Whether Redis can be asked now, and its entries be trusted; then `replied` is called once, later."""
        if not store.breaker.is_closed:
            return False
        if self._link is None:
            self._connect()
            return False
        self._link.ask(commands, replied)
        return True

    def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        if self._connecting is None and loop.time() >= self._retry_at:
            self._connecting = loop.create_task(self._connected())

    async def _connected(self) -> None:
        try:
            self._link = await _linked(self)
            self._complained = False
        except (*FAILURES, Unsupported) as error:
            self._retry_at = asyncio.get_running_loop().time() + conf().retry_ms / 1000
            if not self._complained:
                self._complained = True
                logger.warning("The event loop has no connection to Redis, threads read the cache for it: %s", error)
        finally:
            self._connecting = None

    def lost(self, link: "_Link") -> None:
        if self._link is link:
            self._link = None


async def _linked(pipe: Pipe) -> "_Link":
    connection = _make_connection()
    await connection.connect()
    transport = connection._writer.transport
    link = _Link(pipe, connection, transport, redis_client().connection_pool.connection_kwargs.get("socket_timeout"))
    transport.set_protocol(link)
    return link


def _make_connection() -> Any:
    if on_cluster():
        raise Unsupported("it does not speak to a Redis Cluster.")
    pool = redis_client().connection_pool
    kind = pool.connection_class.__name__
    if kind not in _KINDS:
        raise Unsupported(f"it does not know a {kind}.")
    given = pool.connection_kwargs
    options = {name: value for name, value in given.items() if name in _OPTIONS or name.startswith("ssl_")}
    return getattr(asyncio_connections, kind)(**options, protocol=2, retry=Retry(NoBackoff(), 0))


class _Link(asyncio.Protocol):
    """A connection that lives."""

    def __init__(self, pipe: Pipe, connection: Any, transport: Any, timeout_s: float | None) -> None:
        self._pipe = pipe
        self._connection = connection  # redis-py closes what it made when nobody keeps it
        self._transport = transport
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_MISSING)
        self._leaving: list[bytes] = []
        self._waiting: deque[tuple[Replied, int, float]] = deque()
        self._replies: list[Any] = []
        self._watched = False
        self._asked_at = 0.0

    def ask(self, commands: Sequence[Command], replied: Replied) -> None:
        if not self._leaving:
            self._asked_at = self._loop.time()
            self._loop.call_soon(self._flush)
        self._waiting.append((replied, len(commands), self._asked_at))
        self._leaving.extend(map(hiredis.pack_command, commands))

    def _flush(self) -> None:
        self._transport.write(b"".join(self._leaving))
        self._leaving.clear()
        if not self._watched and self._timeout_s is not None:
            self._watched = True
            self._loop.call_later(self._timeout_s, self._watch)

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        try:
            reader.feed(data)
            while waiting:
                replied, count, _ = waiting[0]
                replies = self._replies
                while len(replies) < count:
                    reply = reader.gets()
                    if reply is _MISSING:
                        return
                    replies.append(reply)
                waiting.popleft()
                self._replies = []
                _tell(replied, replies)
        except hiredis.ProtocolError as error:
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("Redis closed the connection"))

    def _watch(self) -> None:
        """Of those who wait, the first has waited longest."""
        self._watched = False
        if not self._waiting or self._timeout_s is None:
            return
        left_s = self._waiting[0][2] + self._timeout_s - self._loop.time()
        if left_s > 0:
            self._watched = True
            self._loop.call_later(left_s, self._watch)
        else:
            self._fail(TimeoutError("no reply in time"))

    def _fail(self, error: Exception) -> None:
        self._pipe.lost(self)
        self._transport.abort()
        if self._waiting:
            store.breaker.trip(error)
        waiting, self._waiting = self._waiting, deque()
        for replied, _, _ in waiting:
            _tell(replied, None)


def _tell(replied: Replied, replies: list[Any] | None) -> None:
    """Who fails takes nobody else along."""
    try:
        replied(replies)
    except Exception:
        logger.exception("Who had asked Redis failed.")
