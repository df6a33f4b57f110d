"""An empty Redis: the suite has one of its own, and other keys in it than those of cached rows."""

from caching.api import redis_client
from caching.testutils import reset_cache


def empty_redis() -> None:
    """Delete counters, popups and throttles as well, and let this process use Redis."""
    redis_client().flushdb()
    reset_cache()
