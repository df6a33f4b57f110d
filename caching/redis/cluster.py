"""Redis Cluster behind django-redis, which brings factories for single servers and Sentinel only.

CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis+cluster://host:6379,host:6379",
                      "OPTIONS": {"CONNECTION_FACTORY": "caching.redis.cluster.ClusterConnectionFactory", …}}}
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.conf import settings
from django_redis.pool import ConnectionFactory
from redis.cluster import ClusterNode, RedisCluster

from ..conf import clear_on_change, conf
from ..locations import CLUSTER, FACTORIES, Location
from .nodes import Nodes, connection_factory, location_text, whole_location
from .slot_map import SlotMap, slot_of

MOST_KEYS = 5_000  # of one command, so that a script does not keep other clients of Redis waiting for long


class ClusterConnectionFactory(ConnectionFactory):  # type: ignore[misc]
    """One RedisCluster client per process; SOCKET_TIMEOUT and CONNECTION_POOL_KWARGS apply to each node's pool."""

    _clients: dict[Location, RedisCluster] = {}

    def connect(self, url: str) -> RedisCluster:
        location = whole_location(url, self.options, CLUSTER)
        if location not in self._clients:
            arguments = Nodes(location, self.options).arguments
            arguments.pop("parser_class")
            first, *others = location.seeds
            seeds = [ClusterNode(*address) for address in others]  # type: ignore[no-untyped-call]
            self._clients[location] = RedisCluster(url=location.url(first), startup_nodes=seeds, **arguments)
        return self._clients[location]

    def disconnect(self, connection: RedisCluster) -> None:
        connection.disconnect_connection_pools()  # type: ignore[no-untyped-call]


@cache
def on_cluster() -> bool:
    """Return whether the keys of one command must share a slot."""
    return connection_factory(settings.CACHES.get(conf().alias, {})) == FACTORIES[CLUSTER]


@cache
def slot_map() -> SlotMap:
    """Return the slot map of this process's cluster; see caching.redis.slot_map."""
    entry = settings.CACHES[conf().alias]
    options: Any = entry.get("OPTIONS", {})
    return SlotMap(Nodes(whole_location(location_text(entry), options, CLUSTER), options))


clear_on_change("CACHES", on_cluster, slot_map)


def by_slot(keys: Iterable[str]) -> list[list[str]]:
    """Group keys so that one command may name each group: at most MOST_KEYS on one Redis, by hash slot on a cluster."""
    if not on_cluster():
        together = list(keys)
        return [together[at : at + MOST_KEYS] for at in range(0, len(together), MOST_KEYS)]
    slots: dict[int, list[str]] = {}
    for key in keys:
        slots.setdefault(slot_of(key), []).append(key)
    return list(slots.values())
