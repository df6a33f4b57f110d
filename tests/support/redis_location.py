"""Which Redis this process uses for its cache during a test."""

from typing import Any

from caching import locations


def use_redis(settings: Any, url: str) -> None:
    """Have the cache use the Redis, Redis Cluster or Sentinels of a URL until the end of the test."""
    default = settings.CACHES["default"]
    options = default["OPTIONS"] | {"CONNECTION_FACTORY": locations.connection_factory(url)}
    settings.CACHES = {"default": default | {"LOCATION": url, "OPTIONS": options}}
