"""Connections to the servers of one LOCATION: each server gets the same login, database, timeouts and TLS."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django_redis.pool import ConnectionFactory
from redis.connection import ConnectionPool

from .. import locations
from ..locations import Address, Location

OF_POOLS = ("max_connections", "timeout", "queue_class")


class Nodes:
    """The servers that a location and the OPTIONS beside it lead to."""

    def __init__(self, location: Location, options: Mapping[str, Any]) -> None:
        self.location = location
        self.arguments: dict[str, Any] = ConnectionFactory(dict(options)).make_connection_params("")
        self.arguments.pop("url")
        self.arguments |= options.get("CONNECTION_POOL_KWARGS", {})
        template = ConnectionPool.from_url(location.url(location.seeds[0]), **self.arguments)
        self.connection_class: Any = template.connection_class
        self.connection_arguments = {
            name: value for name, value in template.connection_kwargs.items() if name not in OF_POOLS
        }

    def connection(self, address: Address, **arguments: Any) -> Any:
        """Return redis-py's connection to one server, which connects when it is used first."""
        host, port = address
        return self.connection_class(**{**self.connection_arguments, "host": host, "port": port, **arguments})


def whole_location(url: str, options: Mapping[str, Any], kind: str) -> Location:
    """Return the location of which `url` is all or a part: django-redis takes a LOCATION apart at its commas.

    redis://host:port of any node will do too. Raises ImproperlyConfigured if the location cannot be understood.
    """
    for entry in settings.CACHES.values():
        text = location_text(entry)
        if url in text.split(",") and entry.get("OPTIONS", {}) == options:
            url = text
            break
    for scheme in ("redis", "rediss"):
        if url.startswith(f"{scheme}://"):
            url = url.replace(f",{scheme}://", ",").replace(scheme, f"{scheme}+{kind}", 1)
    try:
        return locations.parse(url)
    except ValueError as error:
        raise ImproperlyConfigured(f"LOCATION in CACHES {error}.") from None


def connection_factory(entry: Mapping[str, Any]) -> str:
    """Return the CONNECTION_FACTORY of an entry of CACHES, as django-redis chooses it."""
    default = getattr(settings, "DJANGO_REDIS_CONNECTION_FACTORY", "")
    return str(entry.get("OPTIONS", {}).get("CONNECTION_FACTORY") or default)


def location_text(entry: Mapping[str, Any]) -> str:
    """Return the LOCATION of an entry of CACHES as one text."""
    given = entry.get("LOCATION") or ""
    return given if isinstance(given, str) else ",".join(map(str, given))
