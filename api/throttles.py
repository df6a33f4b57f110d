"""Throttles in Redis by GCRA: one key per scope and client, checked by a script in the batch of the request.

GCRA ("leaky bucket as a meter") keeps one number, the time at which the client's debt is paid; see
https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm. A request passes if Redis is not available.
"""

import math
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest

from api.addresses import owned_network, parse_address
from api.problems import Problem
from caching.api import Batch, Counts
from caching.extend import Script

GCRA = Script("""
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local interval_us, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local paid_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now_us) + interval_us
local wait_us = paid_at - interval_us * burst - now_us
if wait_us > 0 then return wait_us end
redis.call('SET', KEYS[1], string.format('%.0f', paid_at), 'PX', math.ceil((paid_at - now_us) / 1000))
return 0
""")


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Rate(NamedTuple):
    """A limit: `burst` requests at once, then `per_s` requests a second."""

    per_s: float
    burst: int

    @property
    def interval_us(self) -> int:
        """The time in which one request flows back."""
        return round(1_000_000 / self.per_s)


throttled: Counts[str] = Counts()
"""The requests over the limit, by scope, of this process."""


class Verdict(NamedTuple):
    """What Redis says of a counted request: `result` is the time to wait in µs, once its batch has run."""

    scope: str
    reply: Any

    @property
    def result(self) -> int | None:
        """0 for a request within the limit; None if Redis did not answer."""
        wait_us: int | None = self.reply.result
        return wait_us


class Throttled(Problem):
    """The 429 of a client who may come again in `wait_s` seconds."""

    def __init__(self, detail: str, wait_s: int) -> None:
        super().__init__(429, "throttled", detail, retry_after_s=wait_s)


VERDICT = "api.throttles.verdict"
"""The environ key of a request that was counted before, by the hot lane or by a first attempt to answer it:
((scope, client), verdict)."""


def request_token(batch: Batch, scope: str, client: str | int, environ: Mapping[str, Any] = _NOTHING) -> Any:
    """Add the count of a request to the batch; return the verdict for enforce(), None if the scope has no limit."""
    if VERDICT in environ and environ[VERDICT][0] == (scope, client):
        return environ[VERDICT][1]
    rate = rates().get(scope)
    if rate is None:
        return None
    return Verdict(scope, batch.script(GCRA, keys=[f"throttle:{scope}:{client}"], args=[rate.interval_us, rate.burst]))


@cache
def rates() -> Mapping[str, Rate]:
    """Return the limits by scope, from the setting THROTTLES."""
    return {scope: Rate(*rate) for scope, rate in settings.THROTTLES.items()}


def _clear_rates(*, setting: str, **_: object) -> None:
    if setting == "THROTTLES":
        rates.cache_clear()


setting_changed.connect(_clear_rates, dispatch_uid="api.throttles")


def enforce(verdict: Any) -> None:
    """Raise the 429 of a request over the limit. Call this after the batch has run."""
    wait_us = None if verdict is None else verdict.result
    if wait_us:
        throttled.add(verdict.scope)
        wait_s = math.ceil(wait_us / 1_000_000)
        raise Throttled(f"Too many requests; try again in {wait_s} s.", wait_s)


_admitted: ContextVar[set[tuple[str, str | int]] | None] = ContextVar("api_throttles_admitted", default=None)
"""Whom admit() has counted for the request that is being answered."""


class CountedOnce:
    """A context in which admit() counts a client once, however often the request is begun anew."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _admitted.set(set())

    def __exit__(self, *_: object) -> None:
        _admitted.reset(self._token)


def admit(scope: str, client: str | int) -> None:
    """Count a request, in a round trip of its own; raise the 429 if it is over the limit."""
    admitted = _admitted.get()
    if admitted is not None:
        if (scope, client) in admitted:
            return
        admitted.add((scope, client))
    batch = Batch()
    verdict = request_token(batch, scope, client)
    batch.run()
    enforce(verdict)


def client_address(request: HttpRequest) -> str:
    """Return what throttles count as the client: the IPv4 address of the connection, or the /64 of its IPv6 address.

    X-Forwarded-For is not trusted here, as clients may send it; the setting PROXIES makes the server set REMOTE_ADDR.
    """
    address = parse_address(request.META.get("REMOTE_ADDR", ""))
    return owned_network(address) if address else "unknown"
