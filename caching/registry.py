"""Which models are cached."""

from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import router

if TYPE_CHECKING:
    from django.db.models import Model

    from caching.managers import CachedModel

_models: "list[type[CachedModel]]" = []
_edges: "list[type[Model]]" = []


def register(model: "type[CachedModel]") -> None:
    _models.append(model)
    family.cache_clear()


def register_edge(model: "type[Model]") -> None:
    """A model that id sets are derived from; its rows themselves need not be cached."""
    _edges.append(model)


def models() -> "list[type[CachedModel]]":
    """Concrete cached models, in the order of their declaration; proxies share the entries of their concrete model."""
    return [model for model in _models if not model._meta.proxy]


@cache
def family(model: "type[CachedModel]") -> "tuple[type[CachedModel], ...]":
    """The cached models whose entries contain columns of `model`'s row: itself, its parents and its children."""
    concrete: Any = model._meta.concrete_model
    return tuple(other for other in models() if issubclass(other, concrete) or issubclass(concrete, other))


def write_aliases() -> set[str]:
    """The databases that cached models are written to; a key that could not be held is remembered there."""
    return {router.db_for_write(model) for model in (*_models, *_edges)}
