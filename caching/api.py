"""The public face of caching: what applications import."""

from caching.entries.edge_values import EdgeValue
from caching.entries.id_lists import IdList
from caching.entries.id_sets import IdSet, memberships
from caching.entries.rows import existence_of
from caching.entries.source import Found
from caching.options import Cached
from caching.orm.edges import EdgeModel
from caching.orm.managers import CachedManager
from caching.orm.models import CachedModel
from caching.orm.querysets import CachedQuerySet
from caching.reading.batch import Batch
from caching.redis.client import Unavailable, redis_client
from caching.writing.declarations import hold_instances
from caching.writing.transactions import atomic_write, hold_keys

__all__ = [
    "Batch", "Cached", "CachedManager", "CachedModel", "CachedQuerySet", "EdgeModel", "EdgeValue", "Found", "IdList",
    "IdSet", "Unavailable", "atomic_write", "existence_of", "hold_instances", "hold_keys", "memberships",
    "redis_client",
]  # fmt: skip
