"""The way to Redis: one round trip at a time, through django-redis, guarded by the circuit breaker."""

import hashlib
import os
import time
from collections import deque
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django_redis import get_redis_connection
from hiredis import pack_command
from redis.crc import key_slot
from redis.exceptions import NoScriptError, RedisClusterException, RedisError, ResponseError

from caching.conf import conf

FRESH_S = 1.0  # a connection that had work until then is not looked at first: that costs a system call

Command = tuple[Any, ...]

_sources: dict[str, str] = {}


class Unavailable(Exception):
    """Redis could not be asked, or its answer was an error; the caller falls back to the database."""


class Script:
    """A Lua script; it must touch one key, or keys that share a slot."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        _sources[self.sha] = source

    @classmethod
    def named(cls, name: str) -> "Script":
        return cls((Path(__file__).parent / "lua" / f"{name}.lua").read_text())

    def command(self, keys: Sequence[str], args: Iterable[Any]) -> Command:
        return ("EVALSHA", self.sha, len(keys), *keys, *args)


@cache
def redis_client() -> Any:
    """The redis-py client behind CACHES[ALIAS]; thread-safe, made once per process."""
    return get_redis_connection(conf().alias)


@cache
def on_cluster() -> bool:
    """Whether keys of one command must share a slot."""
    options: Any = settings.CACHES[conf().alias].get("OPTIONS", {})
    return bool(options.get("CONNECTION_FACTORY") == "caching.cluster.ClusterConnectionFactory")


def by_slot(keys: Iterable[str]) -> list[list[str]]:
    """Group keys so that one command may name each group: all together on one Redis, by hash slot on a cluster."""
    if not on_cluster():
        together = list(keys)
        return [together] if together else []
    slots: dict[int, list[str]] = {}
    for key in keys:
        slots.setdefault(key_slot(key.encode()), []).append(key)
    return list(slots.values())


def round_trip(commands: Sequence[Command]) -> list[Any]:
    """Send the commands in one round trip; error replies are returned in place, as exceptions.

    Raises redis.RedisError or OSError when Redis cannot be reached in time.
    """
    replies = _send(commands)
    unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        # Redis was restarted: nothing of these ran, so they may be sent again once their source is known there.
        teach_scripts({commands[at][1] for at in unknown})
        for at, reply in zip(unknown, _send([commands[at] for at in unknown]), strict=True):
            replies[at] = reply
    return replies


def teach_scripts(hashes: Iterable[str] | None = None) -> None:
    """Load scripts, all by default, into Redis."""
    for sha in _sources if hashes is None else hashes:
        redis_client().script_load(_sources[sha])


def _send(commands: Sequence[Command]) -> list[Any]:
    return _send_to_cluster(commands) if on_cluster() else _send_to_server(commands)


def _send_to_server(commands: Sequence[Command]) -> list[Any]:
    """What redis-py's pipeline and pool do, without their hooks, locks and metrics, which cost more than the rest."""
    idle = _idle()
    try:
        connection, used_at = idle.pop()
    except IndexError:
        connection, used_at = redis_client().connection_pool.make_connection(), 0.0
    try:
        if time.monotonic() - used_at > FRESH_S and connection.is_connected and _is_spoilt(connection):
            connection.disconnect()
        connection.send_packed_command([b"".join(map(pack_command, commands))])
        return [_reply(connection) for _ in commands]
    except BaseException:
        connection.disconnect()  # replies may be under way that belong to nobody
        raise
    finally:
        idle.append((connection, time.monotonic()))


def _is_spoilt(connection: Any) -> bool:
    """Whether the server has closed it, or sent what nobody waits for."""
    try:
        return bool(connection.can_read())
    except (RedisError, OSError):
        return True


@cache
def _idle() -> deque[tuple[Any, float]]:
    """Connections without work, and when they last had some; of this process, as a fork would share their sockets."""
    return deque()


os.register_at_fork(after_in_child=_idle.cache_clear)


def _forget(*, setting: str, **_: object) -> None:
    if setting == "CACHES":
        for cached in (redis_client, on_cluster, _idle):
            cached.cache_clear()


setting_changed.connect(_forget, dispatch_uid="caching.connection")


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


FAILURES = (RedisError, RedisClusterException, OSError)
