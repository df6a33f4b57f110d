"""The framework's settings: the dict CACHING in Django's settings, with these defaults.

ENABLED     whether Redis is used at all; where not, every verb reads the database, and writes hold nothing
ALIAS       which entry of CACHES (django-redis) carries the cache
PREFIX      put before every key, so that several projects can share a Redis: a text of at most 48 characters, or a
            function without arguments that returns one, called for each question and each write (tenants in schemas)
MODELS      models of other packages to cache, each with options of Cached: {"auth.User": {"never": ["password"]}}
LEASE_MS    life of a lease: longer than the slowest load; also the longest that a reader waits for another's load
HOLD_MS     time after which readers who meet a hold ask the database whether its writer is still at work
RETRY_MS    how long the circuit breaker stays open before Redis is tried again
PROOF_MS    how often, while it is used, a process proves that Redis takes writes, and looks for what is pending
"""

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

OFF = 'CACHING["ENABLED"] is off: no entry is read or written.'
LONGEST_PREFIX = 48


class Conf(NamedTuple):
    """The settings with their defaults, names in lower case."""

    enabled: bool = True
    alias: str = "default"
    prefix: str | Callable[[], str] = "cache"
    models: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
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
    if not callable(given.get("prefix", "")):
        _check_prefix(given.get("prefix", Conf().prefix))
    return Conf(**given)


def prefix() -> str:
    """Return PREFIX as it is here and now; raises ImproperlyConfigured if a function returns no usable text."""
    given = conf().prefix
    return given if isinstance(given, str) else _called(given)


def _called(given: Any) -> str:
    # What a function returns may be anybody's choice (a tenant's name), so it is quoted, and may be long.
    text = given()
    safe = quote(text, safe="-_.") if isinstance(text, str) else text
    if isinstance(safe, str) and len(safe) > LONGEST_PREFIX:
        return "=" + blake2b(safe.encode(), digest_size=16).hexdigest()
    return _check_prefix(safe)


def _check_prefix(text: Any) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_PREFIX or not text.isprintable() or " " in text:
        raise ImproperlyConfigured(
            f'CACHING["PREFIX"] gives {text!r}: it must be a text of 1 to {LONGEST_PREFIX} characters without spaces.'
        )
    return text


def clear_on_change(setting: str, *cached_functions: Any) -> None:
    """Clear the results of functools.cache when a Django setting changes, as it does in tests."""

    def clear(*, setting: str, **_: object) -> None:
        if setting == watched:
            for function in cached_functions:
                function.cache_clear()

    watched = setting
    setting_changed.connect(clear, weak=False)


clear_on_change("CACHING", conf)
