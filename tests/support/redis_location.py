"""Which Redis this process uses for its cache during a test."""

from typing import Any

from caching import locations
from config import settings as own


def caches_at(url: str, caches: Any) -> dict[str, Any]:
    """Return CACHES with the Redis, Redis Cluster or Sentinels of a URL, and the project's own time limits."""
    limits = own.CACHES["default"]["OPTIONS"]
    options = caches["default"]["OPTIONS"] | limits | {"CONNECTION_FACTORY": locations.connection_factory(url)}
    return {"default": caches["default"] | {"LOCATION": url, "OPTIONS": options}}


def use_redis(settings: Any, url: str) -> None:
    """Have the cache use the Redis, Redis Cluster or Sentinels of a URL until the end of the test."""
    settings.CACHES = caches_at(url, settings.CACHES)
