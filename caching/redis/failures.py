"""What may go wrong between this process and Redis."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError

FAILURES = (RedisError, RedisClusterException, OSError)


class Unavailable(RedisError):
    """Redis could not be reached, or its answer was an error; the caller falls back to the database."""


class NotBelieved(RedisConnectionError):
    """Redis takes writes, but what it has may be old. Writers go on to tell it, because others may believe it."""


def without_errors(replies: Sequence[Any]) -> Sequence[Any]:
    """Return replies; raises the first error among them."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
