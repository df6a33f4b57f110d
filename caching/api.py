"""The public face of caching: what applications import."""

from .connections.attempts import Attempts, repeated
from .connections.failures import is_lost, is_passing
from .connections.galera import is_galera, lock_on_all_nodes
from .counts import BOUNDS_S, Counts, Durations, Series
from .entries.edge_lists import EdgeList
from .entries.edge_values import EdgeValue
from .entries.id_lists import IdList
from .entries.id_sets import IdSet, memberships
from .entries.lists_of_owners import Listed, ListsOfOwners
from .entries.rows import existence_of
from .entries.source import Found
from .ops.owned import RedisKeys, discard_keys, owned_keys
from .options import Cached
from .orm.edges import EdgeModel
from .orm.managers import CachedManager
from .orm.models import CachedModel
from .orm.querysets import CachedQuerySet
from .reading.asynchronous import abatch
from .reading.batch import Batch
from .reading.inspect import Entry, entries_of
from .reading.stats import cache_events, held_keys
from .reading.unique import UniqueRow
from .redis.breaker import breaker_states
from .redis.client import ping, redis_client
from .redis.failures import Unavailable
from .redis.round_trips import round_trips
from .writing.declarations import hold_instances
from .writing.edge_deletion import delete_edge
from .writing.inserting import insert_where
from .writing.invalidation import invalidate_all
from .writing.partitions import delete_locked
from .writing.set_writes import delete_rows, lock_rows, update_rows
from .writing.transactions import atomic_write, hold_keys

__all__ = [
    "BOUNDS_S", "Attempts", "Batch", "Cached", "CachedManager", "CachedModel", "CachedQuerySet", "Counts",
    "Durations", "EdgeList", "EdgeModel", "EdgeValue", "Entry", "Found", "IdList", "IdSet", "Listed",
    "ListsOfOwners", "RedisKeys", "Series", "Unavailable", "UniqueRow", "abatch", "atomic_write", "breaker_states",
    "cache_events", "delete_edge", "delete_locked", "delete_rows", "discard_keys", "entries_of", "existence_of",
    "held_keys", "hold_instances", "hold_keys", "insert_where", "invalidate_all", "is_galera", "is_lost", "is_passing",
    "lock_on_all_nodes", "lock_rows", "memberships", "owned_keys", "ping", "redis_client", "repeated",
    "round_trips", "update_rows",
]  # fmt: skip
