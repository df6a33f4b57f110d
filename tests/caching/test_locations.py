"""Addresses of clusters and Sentinels: what they say, and the sentence for what they do not."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from caching import locations
from caching.redis.nodes import Nodes, whole_location
from caching.redis.sentinel import address_book, on_sentinel

UNDERSTOOD = {
    "redis+cluster://one:7000,two:7001": ("redis", (("one", 7000), ("two", 7001)), "", 0),
    "rediss+cluster://one,two:7001,one:6379/0": ("rediss", (("one", 6379), ("two", 7001)), "", 0),
    "redis+sentinel://one,[::1]:7/my%2Fmain": ("redis", (("one", 26379), ("::1", 7)), "my/main", 0),
    "rediss+sentinel://user:p%40ss@10.0.0.1:1/main/3?ssl_ca_certs=/ca": ("rediss", (("10.0.0.1", 1),), "main", 3),
}
REFUSED = {
    "redis://one:1": "must begin with redis+cluster://",
    "redis+cluster://": "names a server that is no host:port",
    "redis+cluster://one:1,": "names a server that is no host:port",
    "redis+cluster://one:65536": "names a server that is no host:port",
    "redis+cluster://one:1,redis+cluster://two:1": "names a server that is no host:port",
    "redis+cluster://::1:7000": "names a server that is no host:port",
    "redis+cluster://one:1/3": "names a database, but a cluster has one alone",
    "redis+sentinel://one:1": "names no service",
    "redis+sentinel://one:1/main/x": "has a database that is no number",
    "redis+sentinel://:se/cret@one:1/main": "write it as %2F",
}


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_what_a_location_says(text):
    found = locations.parse(text)
    assert (found.scheme, found.seeds, found.service, found.database) == UNDERSTOOD[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_a_location_lacks(text):
    with pytest.raises(ValueError, match=REFUSED[text].replace("+", r"\+")) as caught:
        locations.parse(text)
    assert "cret" not in str(caught.value)


def test_each_server_gets_the_login_the_database_and_tls():
    location = locations.parse("rediss+sentinel://me:p%40s%2Fs@one:1,[::1]:2/main/3?ssl_ca_certs=/ca")
    nodes = Nodes(location, {"SOCKET_TIMEOUT": 0.5, "CONNECTION_POOL_KWARGS": {"max_connections": 7}})
    connection = nodes.connection(("::1", 9))
    assert (connection.host, connection.port, connection.db) == ("::1", 9, 3)
    assert (connection.username, connection.password, connection.ca_certs) == ("me", "p@s/s", "/ca")
    assert connection.socket_timeout == 0.5


def test_parts_between_commas_lead_to_the_whole_location(settings):
    text = "redis+cluster://:x@one:1,two:2,three:3"
    settings.CACHES = {"default": {"LOCATION": text, "OPTIONS": {"SOCKET_TIMEOUT": 1}}}
    for part in (text, *text.split(",")):
        assert whole_location(part, {"SOCKET_TIMEOUT": 1}, "cluster") == locations.parse(text)
    with pytest.raises(ImproperlyConfigured, match="LOCATION in CACHES must begin with"):
        whole_location("two:2", {"SOCKET_TIMEOUT": 2}, "cluster")
    assert whole_location("redis://:x@one:1,redis://two:2,redis://three:3", {}, "cluster") == locations.parse(text)


def test_the_connection_factory_of_a_location():
    assert locations.connection_factory("redis://host/0") == "django_redis.pool.ConnectionFactory"
    assert locations.connection_factory("unix:///run/a+b://c") == "django_redis.pool.ConnectionFactory"
    assert locations.connection_factory("rediss+cluster://a:1").endswith("ClusterConnectionFactory")
    assert locations.connection_factory("redis+sentinel://a:1/m").endswith("sentinel.SentinelConnectionFactory")


def test_django_redis_own_sentinel_factory(settings):
    sentinels = [("one", 26379), ("::1", 7)]
    options = {"CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory", "SENTINELS": sentinels}
    settings.CACHES = {"default": {"LOCATION": "rediss://:p%40ss@main/2", "OPTIONS": options}}
    assert on_sentinel()
    found = address_book().servers.location
    assert found == locations.parse("rediss+sentinel://:p%40ss@one:26379,[::1]:7/main/2")
