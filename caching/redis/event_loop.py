"""Commands to Redis from an event loop: those of one turn of the loop leave as one pipeline.

redis-py makes the connection (TCP, TLS or a unix socket; login, database), then its transport is handed to a protocol
of a few lines: redis-py's own pipeline costs five times as much. The circuit breaker is the one that threads use.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import hiredis
from django.core.signals import setting_changed
from redis.asyncio import connection as asyncio_connections
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ..conf import conf
from .breaker import breaker
from .client import FAILURES, redis_client
from .cluster import on_cluster
from .epochs import UnknownRun, epochs
from .proofs import proofs
from .script import Command

logger = logging.getLogger(__name__)

_MISSING = object()
_KINDS = ("Connection", "SSLConnection", "UnixDomainSocketConnection")
_OPTIONS = (
    "host", "port", "path", "db", "username", "password", "credential_provider", "client_name", "socket_keepalive",
    "socket_keepalive_options", "socket_connect_timeout",
)  # fmt: skip

Replied = Callable[[list[Any] | None], None]
"""A callback that takes the replies, errors among them as exceptions; None where Redis did not answer in time."""


class Unsupported(Exception):
    """Redis is set up in a way that EventLoopClient does not know."""


class EventLoopClient:
    """The connection of one event loop; made at the first use, and again after it was lost.

    It speaks to one server. For Redis Cluster and Sentinel it logs once that it does not, and sends nothing. It closes
    its connection when the loop ends by asyncio.run(), or by shutdown_asyncgens().
    """

    def __init__(self) -> None:
        self._protocol: RedisProtocol | None = None
        self._epochs = 0
        self._connecting: asyncio.Task[None] | None = None
        self._lifetime: AsyncGenerator[None] | None = None
        self._retry_at = 0.0
        self._has_warned = False

    def send(self, commands: Sequence[Command], replied: Replied) -> bool:
        """Send commands; return False if Redis cannot be used now. Otherwise `replied` is called once, later."""
        if not breaker.is_closed:
            return False
        if self._protocol is None or self._epochs != epochs.version:
            self.close()
            self._connect()
            return False
        self._protocol.send(commands, replied)
        return True

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
            version = epochs.version
            self._protocol = await _open_protocol(self)
            self._epochs = version
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

    def lost(self, protocol: "RedisProtocol") -> None:
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
    return not on_cluster() and _kind() in _KINDS


async def _open_protocol(client: EventLoopClient) -> "RedisProtocol":
    connection = _make_connection()
    try:
        await connection.connect()
        await connection.send_command("INFO", "replication")
        epochs.check(None, await connection.read_response())
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    writer, connection._writer = connection._writer, None  # the connection is ours now: redis-py need not watch it
    protocol = RedisProtocol(client, writer, _options().get("socket_timeout"))
    writer.transport.set_protocol(protocol)
    return protocol


def _make_connection() -> Any:
    if on_cluster():
        raise Unsupported("Redis Cluster is not supported.")
    if (kind := _kind()) not in _KINDS:
        raise Unsupported(f"a {kind} is not supported.")
    options = {name: value for name, value in _options().items() if name in _OPTIONS or name.startswith("ssl_")}
    return getattr(asyncio_connections, kind)(**options, protocol=2, retry=Retry(NoBackoff(), 0))


def _kind() -> str:
    return str(redis_client().connection_pool.connection_class.__name__)


def _options() -> Any:
    return redis_client().connection_pool.connection_kwargs


class RedisProtocol(asyncio.Protocol):
    """An open connection: pipelines what is sent, and hands each caller the replies in order."""

    def __init__(self, client: EventLoopClient, writer: asyncio.StreamWriter, timeout_s: float | None) -> None:
        self._client = client
        self._writer = writer  # kept alive: asyncio closes the transport of a writer that is garbage
        self._transport: Any = writer.transport
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_MISSING)
        self._outgoing: list[bytes] = []
        self._waiting: deque[tuple[Replied, int, float]] = deque()
        self._replies: list[Any] = []
        self._timer_runs = False
        self._sent_at = 0.0

    def send(self, commands: Sequence[Command], replied: Replied) -> None:
        if not self._outgoing:
            self._sent_at = self._loop.time()
            self._loop.call_soon(self._flush)
            if time.monotonic() >= proofs.due_at:
                proving = proofs.riding(commands)
                self._waiting.append((self._take_proof, len(proving), self._sent_at))
                self._outgoing.extend(map(hiredis.pack_command, proving))
        self._waiting.append((replied, len(commands), self._sent_at))
        self._outgoing.extend(map(hiredis.pack_command, commands))

    def _flush(self) -> None:
        self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()
        if not self._timer_runs and self._timeout_s is not None:
            self._timer_runs = True
            self._loop.call_later(self._timeout_s, self._check_timeout)

    def close(self) -> None:
        """Close the connection; callers who wait for replies get None."""
        self._client.lost(self)
        self._transport.close()
        self._give_up()

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
                _call(replied, replies)
        except hiredis.ProtocolError as error:
            self._fail(error)

    def _take_proof(self, replies: list[Any] | None) -> None:
        """Fail if Redis refuses writes: what it answers to the reads that follow may be old."""
        for reply in replies or ():
            if isinstance(reply, Exception):
                breaker.trip(reply)
                self._fail(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("Redis closed the connection"))

    def _check_timeout(self) -> None:
        """Fail when the oldest waiting caller has waited too long."""
        self._timer_runs = False
        if not self._waiting or self._timeout_s is None:
            return
        left_s = self._waiting[0][2] + self._timeout_s - self._loop.time()
        if left_s > 0:
            self._timer_runs = True
            self._loop.call_later(left_s, self._check_timeout)
        else:
            self._fail(TimeoutError("no reply in time"))

    def _fail(self, error: Exception) -> None:
        self._client.lost(self)
        self._transport.abort()
        if self._waiting:
            breaker.trip(error)
        self._give_up()

    def _give_up(self) -> None:
        while self._waiting:
            replied, _, _ = self._waiting.popleft()
            _call(replied, None)


def _call(replied: Replied, replies: list[Any] | None) -> None:
    """Call back; a callback's exception must not affect other callers."""
    try:
        replied(replies)
    except Exception:
        logger.exception("A callback that takes replies of Redis failed.")
