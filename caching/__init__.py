"""Redis answers, the database is the truth, and nobody reads a stale value. README.md shows how to adopt it.

Public names are loaded on first use, because the models among them cannot exist before Django's apps do.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caching.batch import Batch, Found
    from caching.connection import Script, Unavailable, redis_client
    from caching.edges import EdgeModel
    from caching.edgevalues import EdgeValue
    from caching.idlists import IdList
    from caching.idsets import IdSet
    from caching.managers import CachedManager, CachedModel, CachedQuerySet
    from caching.options import Cached
    from caching.pipe import Pipe

_HOMES = {
    "Batch": "batch", "Cached": "options", "CachedManager": "managers", "CachedModel": "managers",
    "CachedQuerySet": "managers", "EdgeModel": "edges", "EdgeValue": "edgevalues", "Found": "batch",
    "IdList": "idlists", "IdSet": "idsets", "Pipe": "pipe", "Script": "connection", "Unavailable": "connection",
    "redis_client": "connection",
}  # fmt: skip

__all__ = [
    "Batch", "Cached", "CachedManager", "CachedModel", "CachedQuerySet", "EdgeModel", "EdgeValue", "Found", "IdList",
    "IdSet", "Pipe", "Script", "Unavailable", "redis_client",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
