"""For the tests of applications: a clean cache, and budgets of Redis round trips and commands."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from redis.connection import AbstractConnection

from . import store
from .connection import redis_client


@dataclass
class Usage:
    """Filled while the block runs."""

    round_trips: int = 0
    commands: int = 0


@contextlib.contextmanager
def redis_usage() -> Iterator[Usage]:
    """Count what every thread of this process sends to Redis: commands, and the round trips that carry them."""
    usage = Usage()
    connection: Any = AbstractConnection
    send, pack = connection.send_packed_command, connection.pack_commands

    def counted_send(self: Any, command: Any, check_health: bool = True) -> Any:
        usage.round_trips += 1
        usage.commands += getattr(command, "commands", 1)
        return send(self, command, check_health=check_health)

    def counted_pack(self: Any, commands: Any) -> Any:
        packed = _Packed(pack(self, commands))
        packed.commands = len(commands)
        return packed

    with (
        mock.patch.object(AbstractConnection, "send_packed_command", counted_send),
        mock.patch.object(AbstractConnection, "pack_commands", counted_pack),
    ):
        yield usage


class _Packed(list[Any]):
    commands = 1


def reset_cache() -> None:
    """Empty Redis and let this process use it: call before each test that touches cached models."""
    redis_client().flushdb()
    store.breaker.may_read()
