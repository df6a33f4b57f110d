"""Addresses of a Redis Cluster and of Redis behind Sentinel, as LOCATION in CACHES gives them.

    redis+cluster://[[user]:password@]host:port[,host:port…]
    redis+sentinel://[[user]:password@]host:port[,host:port…]/service[/db]

The servers named are seeds: any of them tells of all others. `rediss+…` connects by TLS. User, password and service are
percent-encoded. The port is 6379, and 26379 of a Sentinel, unless it is given; an IPv6 address is written in brackets.
What follows `?` are arguments of redis-py's connections, such as ssl_ca_certs=/path. This module imports the standard
library only, so that a program may check an address before any library is there.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote

Address = tuple[str, int]

CLUSTER, SENTINEL = "cluster", "sentinel"
SCHEMES = tuple(f"{scheme}+{kind}" for kind in (CLUSTER, SENTINEL) for scheme in ("redis", "rediss"))
FACTORIES = {
    CLUSTER: "caching.redis.cluster.ClusterConnectionFactory",
    SENTINEL: "caching.redis.sentinel.SentinelConnectionFactory",
}
PORTS = {CLUSTER: 6379, SENTINEL: 26379}
_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/@]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)


class Location(NamedTuple):
    """What such an address says; `login` ends with "@" if there is one, and is as it was written."""

    kind: str
    scheme: str
    login: str
    seeds: tuple[Address, ...]
    service: str
    database: int
    query: str

    def url(self, address: Address) -> str:
        """Return the URL of one server with the login, the database and the arguments, as redis-py takes it."""
        host, port = address
        written = f"[{host}]" if ":" in host else host
        return f"{self.scheme}://{self.login}{written}:{port}/{self.database}{self.query and '?'}{self.query}"


def connection_factory(location: str) -> str:
    """Return the CONNECTION_FACTORY that a LOCATION needs, which is django-redis' own for single servers."""
    kind = location.partition("://")[0].rpartition("+")[2]
    return FACTORIES.get(kind, "django_redis.pool.ConnectionFactory")


def parse(location: str) -> Location:
    """Return what a location says; raise ValueError with the end of a sentence, which has no part of the password."""
    prefix, _, rest = location.partition("://")
    if prefix not in SCHEMES:
        raise ValueError(f"must begin with {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
    scheme, _, kind = prefix.partition("+")
    rest, _, query = rest.partition("?")
    login, at, servers = rest.rpartition("@")
    servers, _, path = servers.partition("/")
    if "/" in login:
        raise ValueError("has a login with / in it: write it as %2F")
    seeds = tuple(dict.fromkeys(_address(server, PORTS[kind]) for server in servers.split(",")))
    service, database = _path(kind, path)
    return Location(kind, scheme, login + at, seeds, service, database, query)


def _address(server: str, port: int) -> Address:
    match = _SERVER.fullmatch(server.strip())
    number = int(match["port"] or port) if match else 0
    if match is None or not 0 < number < 1 << 16:
        raise ValueError("names a server that is no host:port: write host:port,host:port")
    return match["host"].strip("[]"), number


def _path(kind: str, path: str) -> tuple[str, int]:
    """Return the name of the Sentinels' service and the number of the database."""
    if kind == CLUSTER:
        if path not in {"", "0"}:
            raise ValueError("names a database, but a cluster has one alone: end it with the last host:port")
        return "", 0
    service, _, database = path.partition("/")
    if not service:
        raise ValueError("names no service: end it with /name, as the Sentinels call the master they watch")
    if database and not (database.isascii() and database.isdigit()):
        raise ValueError("has a database that is no number: end it with /name/0, for example")
    return unquote(service), int(database or 0)
