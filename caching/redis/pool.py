"""Idle connections to one server, for threads: as redis-py's pool and pipeline, without their hooks, locks and metrics,
which are most of the cost."""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from hiredis import pack_command
from redis import exceptions
from redis.exceptions import ClusterDownError, ReadOnlyError, RedisError, ResponseError

from .epochs import ASK_RUN, Run, Server, epochs
from .round_trips import round_trips, server_name
from .script import Command

PART_BYTES = 1 << 18  # the socket's timeout applies to each part that is sent
FRESH_S = 1.0  # a connection used within this time is not tested before use: the test costs a system call
NO_MASTER = (ReadOnlyError, ClusterDownError)
"""Replies of a server that was a master and is none, or has no cluster around it: all that it says may be old."""


class Pool:
    """The connections of one process to one server; a thread uses one at a time."""

    def __init__(self, connect: Callable[[], Any], server: Server = None) -> None:
        """`connect` returns a connection of redis-py, which connects when it is used first."""
        self._connect = connect
        self._server = server
        self._run: Run | None = None
        self._idle: deque[tuple[Any, float]] = deque()  # each with the time of its last use
        self._sent_at: dict[Any, float] = {}

    def send(self, commands: Sequence[Command]) -> Any:
        """Send commands in one piece; return the connection, for `receive`.

        Raises redis.RedisError or OSError, among them UnknownRun and ReadOnlyError of `epochs.check`.
        """
        if self._run is not epochs.runs.get(self._server):
            self.clear()  # another server may have taken the place of the one that they lead to
            self._run = epochs.runs.get(self._server)
        try:
            connection, used_at = self._idle.pop()
        except IndexError:
            connection, used_at = self._connect(), 0.0
        try:
            if time.monotonic() - used_at > FRESH_S and connection.is_connected and _is_unusable(connection):
                connection.disconnect()
            if not connection.is_connected:
                self._open(connection)
            packed = b"".join(map(pack_command, commands))
            self._sent_at[connection] = time.perf_counter()
            connection.send_packed_command([packed] if len(packed) < PART_BYTES else _parts(packed))
        except BaseException:
            self.drop(connection)
            raise
        return connection

    def _open(self, connection: Any) -> None:
        connection.connect()
        connection.send_command(*ASK_RUN)
        epochs.check(self._server, _reply(connection))
        self._run = epochs.runs.get(self._server)

    def receive(self, connection: Any, count: int, *, may_wait: bool = True) -> list[Any]:
        """Return the replies to `count` commands, errors among them in place.

        Raises redis.RedisError or OSError where they do not come in time (unless `may_wait`: are not there yet), or the
        server is no master any more.
        """
        try:
            if not may_wait and not connection.can_read():
                raise exceptions.TimeoutError("no reply in time")
            replies = [_reply(connection) for _ in range(count)]
        except BaseException as error:
            self.drop(connection)
            if isinstance(error, NO_MASTER):
                self.clear()
            raise
        round_trips.add((server_name(self._server), "thread"), time.perf_counter() - self._sent_at.pop(connection))
        self._idle.append((connection, time.monotonic()))
        return replies

    def drop(self, connection: Any) -> None:
        """Close a connection whose replies were not read: they belong to no later command."""
        self._sent_at.pop(connection, None)
        connection.disconnect()
        self._idle.append((connection, time.monotonic()))

    def clear(self) -> None:
        """Close all idle connections, so that a name of the server is looked up again."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop()[0].disconnect()


def _parts(packed: bytes) -> list[memoryview]:
    view = memoryview(packed)
    return [view[at : at + PART_BYTES] for at in range(0, len(packed), PART_BYTES)]


def _is_unusable(connection: Any) -> bool:
    """Return whether the server has closed an idle connection, or has sent something unasked."""
    try:
        return bool(connection.can_read())
    except (RedisError, OSError):
        return True


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except NO_MASTER:
        raise
    except ResponseError as error:
        return error
