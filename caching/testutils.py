"""For the tests of applications: a clean cache, and budgets of Redis round trips and commands."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import hiredis
from redis.connection import AbstractConnection

from .conf import conf
from .redis.breaker import breaker
from .redis.client import redis_client, teach_scripts


@dataclass
class Usage:
    """Numbers that grow while the block runs."""

    round_trips: int = 0
    commands: int = 0


@contextlib.contextmanager
def redis_usage() -> Iterator[Usage]:
    """Count what every thread of this process sends to Redis: commands, and the round trips that carry them."""
    usage = Usage()
    send = AbstractConnection.send_packed_command

    def counted(self: Any, command: Any, check_health: bool = True) -> Any:
        usage.round_trips += 1
        usage.commands += _commands_in(command)
        return send(self, command, check_health=check_health)  # type: ignore[no-untyped-call]

    with mock.patch.object(AbstractConnection, "send_packed_command", counted):
        yield usage


def _commands_in(packed: Iterable[bytes]) -> int:
    # What a client sends is an array of strings for each command: what a server's answer may look like, too.
    reader = hiredis.Reader()
    for chunk in packed:
        reader.feed(chunk)
    return sum(1 for _ in iter(reader.gets, False))


def reset_cache() -> None:
    """Empty Redis and let this process use it: call before each test that touches cached models."""
    if not conf().enabled:
        return
    redis_client().flushdb()
    teach_scripts()  # or the first to use one would need a round trip more
    breaker.may_read()
