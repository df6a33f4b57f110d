"""The framework's settings: the dict CACHING in Django's settings, with these defaults.

ENABLED     whether Redis is used at all; where not, every verb reads the database, and writes hold nothing
ALIAS       which entry of CACHES (django-redis) carries the cache
PREFIX      put before every key, so that several projects can share a Redis
LEASE_MS    life of a lease: longer than the slowest load; also the longest that a reader waits for another's load
HOLD_MS     life of a hold: must exceed the longest transaction, so set the database's time limits below it
RETRY_MS    how long the circuit breaker stays open before Redis is tried again
"""

from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

OFF = 'CACHING["ENABLED"] is off: no entry is read or written.'


class Conf(NamedTuple):
    """The settings with their defaults, names in lower case."""

    enabled: bool = True
    alias: str = "default"
    prefix: str = "cache"
    lease_ms: int = 3_000
    hold_ms: int = 60_000
    retry_ms: int = 1_000


@cache
def conf() -> Conf:
    """Return the settings; raises ImproperlyConfigured for a name that is none of them."""
    given = {name.lower(): value for name, value in getattr(settings, "CACHING", {}).items()}
    unknown = sorted(given.keys() - set(Conf._fields))
    if unknown:
        known = ", ".join(name.upper() for name in Conf._fields)
        raise ImproperlyConfigured(f"CACHING has no setting {unknown[0].upper()!r}; it knows {known}.")
    return Conf(**given)


def clear_on_change(setting: str, *cached_functions: Any) -> None:
    """Clear the results of functools.cache when a Django setting changes, as it does in tests."""

    def clear(*, setting: str, **_: object) -> None:
        if setting == watched:
            for function in cached_functions:
                function.cache_clear()

    watched = setting
    setting_changed.connect(clear, weak=False)


clear_on_change("CACHING", conf)
