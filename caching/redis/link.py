"""A link: one connection of an event loop to one server; what is sent in one turn of the loop leaves together.

redis-py makes the connection (TCP, TLS or a unix socket; login, database), then its transport is handed to a protocol
of a few lines: redis-py's own pipeline costs five times as much. The circuit breaker is the one that threads use.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import hiredis
from redis.asyncio import connection as asyncio_connections
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .breaker import breaker
from .client_side import BEGIN, ClientSideCache
from .epochs import ASK_RUN, Server, epochs
from .proofs import Proof, Proofs, proofs
from .round_trips import round_trips, server_name
from .script import Command

logger = logging.getLogger(__name__)

KINDS = ("Connection", "SSLConnection", "UnixDomainSocketConnection")
_OPTIONS = (
    "host", "port", "path", "db", "username", "password", "credential_provider", "client_name", "socket_keepalive",
    "socket_keepalive_options", "socket_connect_timeout", "socket_timeout",
)  # fmt: skip
PING: tuple[Command, ...] = (("PING",),)
MISSING = object()
"""What a reader returns while a reply is not there yet."""

Replied = Callable[[list[Any] | None], None]
"""A callback that takes the replies, errors among them as exceptions; None where Redis did not answer in time."""


class Unsupported(Exception):
    """Redis is set up in a way that links do not know."""


async def connect(kind: str, options: Mapping[str, Any], *, server: Server = None) -> asyncio.StreamWriter:
    """Return the writer of a connection made by redis-py, which is the caller's own from then on.

    `kind` is the name of redis-py's class, `options` are its arguments; others than those for links are ignored.
    `server`: its name in `epochs`. Raises Unsupported, redis.RedisError or OSError; UnknownRun, and redis.ReadOnlyError
    if the server is no master.
    """
    if kind not in KINDS:
        raise Unsupported(f"a {kind} is not supported.")
    known = {name: value for name, value in options.items() if name in _OPTIONS or name.startswith("ssl_")}
    connection = getattr(asyncio_connections, kind)(**known, protocol=2, retry=Retry(NoBackoff(), 0))
    try:
        await connection.connect()
        await connection.send_command(*ASK_RUN)
        epochs.check(server, await connection.read_response())
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    writer: asyncio.StreamWriter = connection._writer
    connection._writer = None  # redis-py need not watch it
    return writer


class RedisProtocol(asyncio.Protocol):
    """An open link: pipelines what is sent, and hands each caller the replies in order.

    `lost` is called when the connection is closed or breaks, and may be called again.
    """

    proof: Proofs | Proof = proofs
    client_side: ClientSideCache | None = None
    """What is known of entries without reading them, where track() has found that Redis tells of changes."""

    def __init__(self, writer: asyncio.StreamWriter, timeout_s: float | None, lost: Callable[[Any], None]) -> None:
        self._lost = lost
        self._writer = writer  # kept alive: asyncio closes the transport of a writer that is garbage
        self._transport: Any = writer.transport
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=MISSING, replyError=self._reply_error)
        self._outgoing: list[bytes] = []
        self._waiting: deque[tuple[Any, int, float]] = deque()
        """Who waits for replies, for how many (or in which place), and since when by the loop's time."""
        self._turns: deque[tuple[Any, float]] = deque()
        """The last who waits of each turn of the loop, and when the commands of that turn left."""
        self._round_trips = round_trips.of((server_name(None), "event_loop"))
        self._replies: list[Any] = []
        self._timer_runs = False
        self._sent_at = 0.0
        self._transport.set_protocol(self)

    def track(self) -> None:
        """Have Redis tell of the changes of entries that are read behind client_side.TRACKED."""
        self.send(BEGIN, self._tracks)

    def _tracks(self, replies: list[Any] | None) -> None:
        if replies and not any(isinstance(reply, Exception) for reply in replies):
            self.client_side = ClientSideCache()

    def send(self, commands: Sequence[Command], replied: Replied) -> bool:
        """Send commands; `replied` is called once, later. Returns True.

        Without commands, it is called with [] once all has been taken that Redis has sent until now.
        """
        if not self._outgoing:
            self._sent_at = self._loop.time()
            self._loop.call_soon(self._flush)
            commands = commands or PING
            if self.client_side is not None:
                self.client_side.age(self._sent_at)
            if time.monotonic() >= self.proof.due_at:
                proving = self.proof.riding(commands)
                self._waiting.append((self._take_proof, len(proving), self._sent_at))
                self._outgoing.extend(map(hiredis.pack_command, proving))
        self._waiting.append((replied, len(commands), self._sent_at))
        self._outgoing.extend(map(hiredis.pack_command, commands))
        return True

    def _flush(self) -> None:
        if self._waiting:
            self._turns.append((self._waiting[-1], time.perf_counter()))
        self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()
        if not self._timer_runs and self._timeout_s is not None:
            self._timer_runs = True
            self._loop.call_later(self._timeout_s, self._check_timeout)

    def close(self) -> None:
        """Close the connection; callers who wait for replies get None."""
        self._lost(self)
        self._transport.close()
        self._give_up()

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for replies."""
        return not self._waiting

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not MISSING:
                if reply.__class__ is hiredis.PushNotification:
                    self._take_change(reply)
                    continue
                self._replies.append(reply)
                while waiting and len(self._replies) >= waiting[0][1]:
                    self._answer()
        except hiredis.ProtocolError as error:
            self.fail(error)

    def _answer(self) -> None:
        """Hand the replies to the first who waits."""
        replied, _, _ = waits = self._waiting.popleft()
        if self._turns and waits is self._turns[0][0]:
            self._end_turn()
        replies, self._replies = self._replies, []
        call(replied, replies)

    def _take_change(self, push: list[Any]) -> None:
        """Forget entries that have changed, as Redis tells."""
        if self.client_side is not None:
            _, keys = push
            self.client_side.invalidate(keys)

    def _end_turn(self) -> None:
        """Note that all replies to the commands of one turn of the loop have come."""
        self._round_trips.add(time.perf_counter() - self._turns.popleft()[1])

    def _reply_error(self, text: str) -> Exception:
        """Return an error reply as an exception; for subclasses that look at errors."""
        return hiredis.ReplyError(text)

    def _take_proof(self, replies: list[Any] | None) -> None:
        """Fail if Redis refuses writes: what it answers to the reads that follow may be old."""
        for reply in replies or ():
            if isinstance(reply, Exception):
                self.trip(reply)
                self.fail(reply)

    def trip(self, error: Exception) -> None:
        """Open the circuit breaker."""
        breaker.trip(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(exc or ConnectionResetError("Redis closed the connection"))

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
            self.fail(TimeoutError("no reply in time"))

    def fail(self, error: Exception) -> None:
        """Break the connection; the circuit breaker opens if anybody waits for replies."""
        self._lost(self)
        self._transport.abort()
        if self._waiting:
            self.trip(error)
        self._give_up()

    def _give_up(self) -> None:
        self._turns.clear()
        while self._waiting:
            replied, _, _ = self._waiting.popleft()
            call(replied, None)


def call(replied: Replied, replies: list[Any] | None) -> None:
    """Call back; a callback's exception must not affect other callers."""
    try:
        replied(replies)
    except Exception:
        logger.exception("A callback that takes replies of Redis failed.")
