"""For the tests of applications: a clean cache, and budgets of Redis round trips and commands."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import hiredis
from django.db import connections
from redis.connection import AbstractConnection

from .conf import conf
from .databases import key_prefix
from .protocol.invalidation import keys_under
from .redis.breaker import breaker
from .redis.client import round_trip, teach_scripts
from .redis.cluster import by_slot
from .redis.failures import without_errors


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
    """Delete the keys of this project's databases, no others, and let this process use Redis.

    Call before each test that touches cached models. Databases of tests have names of their own, so a site that runs
    beside keeps its entries.
    """
    if not conf().enabled:
        return
    breaker.retry()  # a server that failed an earlier test is no longer left alone, or its keys would stay
    ours = (key for key, _ in keys_under({key_prefix(alias) for alias in connections.settings}))
    without_errors(round_trip([("UNLINK", *group) for group in by_slot(ours)]))
    teach_scripts()  # or the first to use one would need a round trip more
    breaker.retry()
