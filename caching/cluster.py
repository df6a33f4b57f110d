"""Redis Cluster behind django-redis, which brings factories for single servers and Sentinel only.

CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://any-node:6379",
                      "OPTIONS": {"CONNECTION_FACTORY": "caching.cluster.ClusterConnectionFactory", …}}}
"""

from django_redis.pool import ConnectionFactory
from redis.cluster import RedisCluster


class ClusterConnectionFactory(ConnectionFactory):  # type: ignore[misc]
    """One RedisCluster client per process; SOCKET_TIMEOUT and CONNECTION_POOL_KWARGS apply to each node's pool."""

    _clients: dict[str, RedisCluster] = {}

    def connect(self, url: str) -> RedisCluster:
        if url not in self._clients:
            params = self.make_connection_params(url)
            params.pop("parser_class")
            self._clients[url] = RedisCluster.from_url(**params, **self.pool_cls_kwargs)
        return self._clients[url]

    def disconnect(self, connection: RedisCluster) -> None:
        connection.disconnect_connection_pools()  # type: ignore[no-untyped-call]
