"""Commands to Redis from threads: one round trip at a time, guarded by the circuit breaker."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from django_redis import get_redis_connection
from hiredis import pack_command
from redis.exceptions import NoScriptError, RedisClusterException, RedisError, ResponseError

from ..conf import clear_on_change, conf
from . import script
from .breaker import breaker
from .cluster import on_cluster
from .epochs import epochs
from .proofs import proofs
from .script import Command

PART_BYTES = 1 << 18  # the socket's timeout applies to each part that is sent
FRESH_S = 1.0  # a connection used within this time is not tested before use: the test costs a system call
FAILURES = (RedisError, RedisClusterException, OSError)


class Unavailable(Exception):
    """Redis could not be reached, or its answer was an error; the caller falls back to the database."""


def execute(commands: Sequence[Command], *, allowed: Callable[[], bool], optional: int = 0) -> list[Any]:
    """Send commands in one round trip and return the replies.

    `allowed`: breaker.may_read or breaker.may_write. The last `optional` commands may answer with an error, which is
    returned in place. Raises Unavailable for any other error, and where the breaker is open or Redis refuses a write
    that is due as a proof.
    """
    if not commands:
        return []
    if not allowed():
        raise Unavailable("the circuit breaker is open")
    proving = proofs.riding(commands) if time.monotonic() >= proofs.due_at else []
    try:
        replies = round_trip([*proving, *commands] if proving else commands)
    except FAILURES as error:
        breaker.trip(error)
        raise Unavailable(str(error)) from error
    for reply in replies[: len(replies) - optional]:
        if isinstance(reply, Exception):
            breaker.trip(reply)
            raise Unavailable(str(reply)) from reply
    return replies[len(proving) :] if proving else replies


@cache
def redis_client() -> Any:
    """Return the redis-py client behind CACHES[ALIAS]; thread-safe, made once per process."""
    return get_redis_connection(conf().alias)


def round_trip(commands: Sequence[Command]) -> list[Any]:
    """Send commands in one round trip, past the breaker; error replies are returned in place, as exceptions.

    Raises redis.RedisError or OSError when Redis cannot be reached in time.
    """
    replies = _send(commands)
    unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        # Redis was restarted: none of these ran, so they may be sent again once it knows their source.
        teach_scripts({commands[at][1] for at in unknown})
        for at, reply in zip(unknown, _send([commands[at] for at in unknown]), strict=True):
            replies[at] = reply
    return replies


def teach_scripts(hashes: Iterable[str] | None = None) -> None:
    """Load scripts, all by default, into Redis."""
    for sha in script.sources if hashes is None else hashes:
        redis_client().script_load(script.sources[sha])


def _send(commands: Sequence[Command]) -> list[Any]:
    return _send_to_cluster(commands) if on_cluster() else _send_to_server(commands)


def _send_to_server(commands: Sequence[Command]) -> list[Any]:
    """Send as redis-py's pipeline and pool do, without their hooks, locks and metrics: most of the cost."""
    idle = _idle()
    try:
        connection, used_at = idle.pop()
    except IndexError:
        connection, used_at = redis_client().connection_pool.make_connection(), 0.0
    try:
        if time.monotonic() - used_at > FRESH_S and connection.is_connected and _is_unusable(connection):
            connection.disconnect()
        if not connection.is_connected:
            _connect(connection)
        packed = b"".join(map(pack_command, commands))
        connection.send_packed_command([packed] if len(packed) < PART_BYTES else _parts(packed))
        return [_reply(connection) for _ in commands]
    except BaseException:
        connection.disconnect()  # its remaining replies belong to no later command
        raise
    finally:
        idle.append((connection, time.monotonic()))


def _connect(connection: Any) -> None:
    """Connect, and raise UnknownRun if the server is in another run than before."""
    connection.connect()
    connection.send_packed_command([pack_command(("INFO", "replication"))])
    epochs.check(None, _reply(connection))


def _parts(packed: bytes) -> list[memoryview]:
    view = memoryview(packed)
    return [view[at : at + PART_BYTES] for at in range(0, len(packed), PART_BYTES)]


def _is_unusable(connection: Any) -> bool:
    """Return whether the server has closed an idle connection, or has sent something unasked."""
    try:
        return bool(connection.can_read())
    except (RedisError, OSError):
        return True


@cache
def _idle() -> deque[tuple[Any, float]]:
    """Return this process's idle connections, each with the time of its last use; a fork must not share them."""
    return deque()


os.register_at_fork(after_in_child=_idle.cache_clear)
epochs.changed.append(_idle.cache_clear)
clear_on_change("CACHES", redis_client, _idle)


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def _send_to_cluster(commands: Sequence[Command]) -> list[Any]:
    pipeline = redis_client().pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    replies: list[Any] = pipeline.execute(raise_on_error=False)
    return replies
