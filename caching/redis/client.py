"""Commands to Redis from threads: one round trip at a time, guarded by the circuit breaker."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError

from ..conf import clear_on_change, conf
from ..locations import Address
from . import script
from .breaker import breaker
from .cluster import on_cluster, slot_map
from .cluster_client import ClusterRoundTrip, send_to
from .failures import FAILURES, Unavailable, without_errors
from .pool import Pool
from .proofs import proofs
from .script import Command
from .sentinel import address_book, on_sentinel
from .slot_map import slot_of

PAGE = 1_000


def execute(
    commands: Sequence[Command], *, allowed: Callable[..., bool], optional: int = 0, partly: bool = False
) -> list[Any]:
    """Send commands in one round trip and return the replies.

    `allowed`: breaker.may_read or breaker.may_write. The last `optional` commands may answer with an error, which is
    returned in place. With `partly`, a cluster of which some servers cannot be used gives `Unavailable` in place of
    their replies. Raises Unavailable for any other error, and where the breaker is open or Redis refuses a write
    that is due as a proof.
    """
    if not commands:
        return []
    if on_cluster():
        return _execute_on_cluster(commands, allowed, optional, partly=partly)
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


def _execute_on_cluster(
    commands: Sequence[Command], allowed: Callable[..., bool], optional: int, *, partly: bool
) -> list[Any]:
    if not slot_map().version and not breaker.may_write():
        raise Unavailable("the circuit breaker is open")
    trip = ClusterRoundTrip(commands, allowed)
    try:
        replies = trip.run(proving=True)
    except FAILURES as error:
        breaker.trip(error)
        raise Unavailable(str(error)) from error
    failed = [at for at, reply in enumerate(replies[: len(replies) - optional]) if isinstance(reply, Exception)]
    for at in failed:
        if server := trip.servers[at]:
            breaker.of(server).trip(replies[at])
            replies[at] = Unavailable(str(replies[at]))
    if failed and not partly:
        raise replies[failed[0]]
    return replies


@cache
def redis_client() -> Any:
    """Return the redis-py client behind CACHES[ALIAS]; thread-safe, made once per process."""
    return get_redis_connection(conf().alias)


def round_trip(commands: Sequence[Command]) -> list[Any]:
    """Send commands in one round trip, past the breaker; error replies are returned in place, as exceptions.

    Raises redis.RedisError or OSError when Redis cannot be reached in time; of a cluster, servers that failed a moment
    ago are not asked, and have Unavailable in place of their replies, like those that fail now.
    """
    if on_cluster():
        return ClusterRoundTrip(commands, _is_not_paused).run()
    replies = _send(commands)
    unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        # Redis was restarted: none of these ran, so they may be sent again once it knows their source.
        teach_scripts({commands[at][1] for at in unknown})
        for at, reply in zip(unknown, _send([commands[at] for at in unknown]), strict=True):
            replies[at] = reply
    return replies


def _is_not_paused(server: Address) -> bool:
    return not breaker.of(server).is_paused


def ping() -> None:
    """Raise redis.RedisError or OSError unless Redis answers; of a cluster, any of the servers that have slots."""
    failure: Exception | None = None
    for send in each_server().values():
        try:
            send([("PING",)])
            return
        except FAILURES as error:
            failure = error
    raise failure or RedisConnectionError("no server has slots")


def teach_scripts(hashes: Iterable[str] | None = None) -> None:
    """Load scripts, all by default, into Redis; raises redis.RedisError or OSError."""
    commands: list[Command] = [
        ("SCRIPT", "LOAD", script.sources[sha]) for sha in (script.sources if hashes is None else hashes)
    ]
    for send in each_server().values():
        send(commands)


def scan(pattern: str) -> Iterator[bytes]:
    """Yield the keys that a pattern matches, of all servers; raises redis.RedisError or OSError.

    Of a cluster, the keys of the other servers come before the Unavailable of one that cannot be used.
    """
    if not on_cluster():
        yield from _scan(lambda commands: without_errors(_send(commands)), pattern)
        return
    slot_map().learn()
    lost: Exception | None = None
    for server in slot_map().nodes:
        if breaker.of(server).is_paused:
            lost = Unavailable(f"{server[0]}:{server[1]} cannot be used")
            continue
        try:
            yield from _scan(partial(send_to, server), pattern)
        except FAILURES as error:
            breaker.of(server).trip(error)
            lost = Unavailable(str(error))
    if lost:
        raise lost


def each_server() -> dict[str, Callable[[Sequence[Command]], Sequence[Any]]]:
    """Return {"host:port": a function that sends it commands past the breaker} of each server that has keys.

    The functions raise redis.RedisError or OSError, also for what a server answers as an error.
    """
    if not on_cluster():
        return {_name_of(_only_server()): lambda commands: without_errors(_send(commands))}
    slot_map().learn()
    return {_name_of(server): partial(send_to, server) for server in slot_map().nodes}


def server_of(key: str) -> str:
    """Return "host:port" of the server that has a key; "" where no server of a cluster has its slot."""
    if not on_cluster():
        return _name_of(_only_server())
    slot_map().learn()
    server = slot_map().node_of(slot_of(key))
    return _name_of(server) if server else ""


def _only_server() -> Address:
    if on_sentinel():
        return address_book().master()
    arguments = redis_client().connection_pool.connection_kwargs
    return arguments.get("host") or arguments.get("path", ""), arguments.get("port", 0)


def _name_of(server: Address) -> str:
    host, port = server
    return f"{host}:{port}" if port else host


def _scan(send: Callable[[Sequence[Command]], Sequence[Any]], pattern: str) -> Iterator[bytes]:
    cursor: Any = None
    while cursor != b"0":
        ((cursor, keys),) = send([("SCAN", cursor or 0, "MATCH", pattern, "COUNT", PAGE)])
        yield from keys


def _send(commands: Sequence[Command]) -> list[Any]:
    """Send to the one Redis that there is, or that the Sentinels call the master."""
    if on_sentinel():
        return _send_to_master(commands)
    pool = _pool()
    return pool.receive(pool.send(commands), len(commands))


def _send_to_master(commands: Sequence[Command]) -> list[Any]:
    book = address_book()
    master = book.master()
    pool = _pool(master)
    try:
        return pool.receive(pool.send(commands), len(commands))
    except FAILURES:
        book.lost(master)
        raise


@cache
def _pool(server: Address | None = None) -> Pool:
    """Return this process's connections; a fork must not share them."""
    if server is None:
        return Pool(redis_client().connection_pool.make_connection)
    return Pool(partial(address_book().servers.connection, server))


os.register_at_fork(after_in_child=_pool.cache_clear)
clear_on_change("CACHES", redis_client, _pool)
