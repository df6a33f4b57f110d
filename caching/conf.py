"""The framework's settings: the dict CACHING in Django's settings, with these defaults.

ALIAS       which entry of CACHES (django-redis) carries the cache
PREFIX      put before every key, so that several projects can share a Redis
LEASE_MS    life of a lease: longer than the slowest load; also the longest that a reader waits for another's load
HOLD_MS     time after which readers who meet a hold ask the database whether its writer is still at work
RETRY_MS    how long the circuit breaker stays open before Redis is tried again
PROOF_MS    how often, while the cache is in use, a process proves that Redis takes writes, and looks for what is pending
"""

from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed


class Conf(NamedTuple):
    """The settings with their defaults, names in lower case."""

    alias: str = "default"
    prefix: str = "cache"
    lease_ms: int = 3_000
    hold_ms: int = 60_000
    retry_ms: int = 1_000
    proof_ms: int = 500


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
