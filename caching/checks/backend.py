"""Settings of CACHES that the cache cannot work with, or works worse with than the operator may think."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string
from django_redis.cache import RedisCache
from django_redis.client import DefaultClient, ShardClient

from .. import locations
from ..conf import conf
from ..redis.nodes import connection_factory, location_text

OFF_SWITCH = 'or switch the cache off: CACHING = {"ENABLED": False}.'
LONGEST_TIMEOUT_S = 5.0


@register(Tags.caches)
def check_backend(**_: Any) -> list[CheckMessage]:
    """Report what is wrong with the entry of CACHES that the cache uses; nothing while it is switched off."""
    if not conf().enabled:
        return []
    given: Any = settings.CACHES.get(conf().alias)
    if given is None:
        hint = f'Add it, or name another by CACHING["ALIAS"], {OFF_SWITCH}'
        return [Error(f"CACHES has no entry {conf().alias!r}, which the cache uses.", hint=hint, id="caching.E060")]
    if (fault := _fault_of_backend(given.get("BACKEND", ""))) is not None:
        text = f"CACHES[{conf().alias!r}] is of {given.get('BACKEND')!r}, {fault}."
        hint = f'Use "BACKEND": "django_redis.cache.RedisCache", {OFF_SWITCH}'
        return [Error(text, hint=hint, id="caching.E061")]
    return [*_wrong_location(given), *_wrong_options(given), *_slow_options(given.get("OPTIONS", {}))]


@register(Tags.caches, deploy=True)
def check_switch(**_: Any) -> list[CheckMessage]:
    """Report a cache that is switched off in production, because what Redis holds grows stale meanwhile."""
    if conf().enabled:
        return []
    text = 'CACHING["ENABLED"] is off: writes invalidate nothing, whatever Redis holds.'
    hint = "Switch all processes off and on together, and run `manage.py invalidate_cache --all` once they are on."
    return [checks.Warning(text, hint=hint, id="caching.W060")]


def _fault_of_backend(path: str) -> str | None:
    try:
        backend: Any = import_string(path)
    except ImportError as error:
        return f"which cannot be imported ({error})"
    if isinstance(backend, type) and issubclass(backend, RedisCache):
        return None
    return "which has neither leases nor scripts: these take a Redis behind django-redis"


def _wrong_location(given: Any) -> Iterator[CheckMessage]:
    text, needed = location_text(given), locations.connection_factory(location_text(given))
    if needed not in locations.FACTORIES.values():
        return
    if connection_factory(given) != needed:
        hint = f'Write "OPTIONS": {{"CONNECTION_FACTORY": "{needed}", …}}.'
        yield Error(
            "LOCATION names a Redis Cluster or Sentinels, CONNECTION_FACTORY does not.", hint=hint, id="caching.E080"
        )
    try:
        locations.parse(text)
    except ValueError as error:
        hint = (
            "Write redis+cluster://host:6379,host:6379 or redis+sentinel://host:26379,host:26379/service for example."
        )
        yield Error(f"LOCATION {error}.", hint=hint, id="caching.E081")


def _wrong_options(given: Any) -> Iterator[CheckMessage]:
    options = given.get("OPTIONS", {})
    if "decode_responses" in {*options.get("CONNECTION_POOL_KWARGS", {}), *_query(given.get("LOCATION"))}:
        hint = 'Take it out. Where another library needs it, give the cache an entry of its own by CACHING["ALIAS"].'
        yield Error("decode_responses is set, but entries are bytes and no text.", hint=hint, id="caching.E062")
    client: Any = import_string(options.get("CLIENT_CLASS", "django_redis.client.DefaultClient"))
    if not issubclass(client, DefaultClient) or issubclass(client, ShardClient):
        text = f"{client.__name__} spreads keys over servers of which none can judge a lease or a hold alone."
        hint = "Use the default client, or Redis Cluster by caching.redis.cluster.ClusterConnectionFactory."
        yield Error(text, hint=hint, id="caching.E063")
    if given.get("KEY_PREFIX") or given.get("VERSION", 1) != 1 or given.get("KEY_FUNCTION"):
        hint = 'Tell projects that share a Redis apart by CACHING["PREFIX"], or by the number of the database.'
        text = "KEY_PREFIX, VERSION and KEY_FUNCTION of CACHES do not apply to the cache's own keys."
        yield checks.Warning(text, hint=hint, id="caching.W063")


def _slow_options(options: Any) -> Iterator[CheckMessage]:
    for name in ("SOCKET_TIMEOUT", "SOCKET_CONNECT_TIMEOUT"):
        timeout_s = options.get(name)
        if timeout_s is None or timeout_s > LONGEST_TIMEOUT_S:
            text = f"{name} is {'not set' if timeout_s is None else timeout_s}: so long may a request hang."
            hint = "Set the seconds after which the database is to answer instead, such as 0.5."
            yield checks.Warning(text, hint=hint, id="caching.W061")
    connection = options.get("CONNECTION_POOL_KWARGS", {})
    retry = connection.get("retry")
    if retry is None or retry.get_retries() or connection.get("retry_on_timeout"):
        text = "redis-py repeats what has failed, after pauses: a request may hang for several times SOCKET_TIMEOUT."
        hint = 'Switch that off: "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)}.'
        yield checks.Warning(text, hint=hint, id="caching.W062")


def _query(location: Any) -> set[str]:
    """Return the names of the parameters in the URLs of servers."""
    urls = location if isinstance(location, list | tuple) else str(location or "").split(",")
    return {pair.partition("=")[0] for url in urls for pair in str(url).partition("?")[2].split("&")}
