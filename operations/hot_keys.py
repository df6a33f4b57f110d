"""The keys that are used most, by listening to each server for a moment.

Listening (MONITOR) costs Redis up to half of its speed while it lasts, so it is done for LISTEN_S or COMMANDS, when an
operator asks for it. Counting in the web processes instead would cost every read of every day.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from redis import RedisCluster
from redis.exceptions import TimeoutError as RedisTimeoutError

from caching.api import redis_client
from caching.extend import prefix
from operations.kinds import of_key

LISTEN_S, COMMANDS, SHOWN = 0.5, 20_000, 15


def sample() -> str:
    """Return the keys that were used most in a moment, one a line; raises redis.RedisError or OSError."""
    keys: Counter[str] = Counter()
    commands = 0
    for monitor in _monitors():
        for command in _heard(monitor):
            commands += 1
            keys.update(_keys(command))
    lines = [f"{number:,} × {of_key(key) or 'no kind of entry'} ({key})" for key, number in keys.most_common(SHOWN)]
    return "\n".join([f"{commands:,} commands were heard, {sum(keys.values()):,} uses of {len(keys):,} keys.", *lines])


def _monitors() -> Iterator[Any]:
    """Yield what listens to each server that has keys."""
    client = redis_client()
    nodes = client.get_primaries() if isinstance(client, RedisCluster) else [None]
    for node in nodes:
        with (client.get_redis_connection(node) if node else client).monitor() as monitor:
            yield monitor


def _heard(monitor: Any) -> Iterator[str]:
    give_up_at = time.monotonic() + LISTEN_S
    with contextlib.suppress(TimeoutError, RedisTimeoutError):  # silence for as long as the socket waits
        for _ in range(COMMANDS):
            command = monitor.next_command()
            if command["client_type"] != "lua":  # what a script does, whose keys are in its own command
                yield command["command"]
            if time.monotonic() > give_up_at:
                return


def _keys(command: str) -> set[str]:
    begin = f"{prefix()}:"
    return {word for word in command.split() if word.startswith(begin)}
