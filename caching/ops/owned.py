"""The entries that belong to a row: its own, and those of what other rows derive for it by a foreign key."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .. import registry
from ..databases import database_of
from ..entries.derived import Derived
from ..entries.lookup import lookup_keys
from ..entries.rows import rows_of
from ..protocol.invalidation import discard_entries, discard_under


class RedisKeys(NamedTuple):
    """Keys in Redis, and what further keys begin with."""

    keys: list[str]
    prefixes: list[str]


def owned_keys(model: Any, pk: Any, values: Mapping[str, Any]) -> RedisKeys:
    """Return the keys of all entries of a row of a cached model, which may be deleted by now.

    `values`: its columns by which it is looked up. Among them are the entries of cached rows that have the row's key
    for a key of their own, and id sets, id lists and edge values that have the row for their owner.
    """
    using = database_of(model)
    keys = lookup_keys(model, values, using)
    prefixes: list[str] = []
    for each in registry.models():
        if each is model or _refers(each, each._meta.pk.name, model):
            keys.append(rows_of(each, using).key(pk))
    for other, declarations in registry.by_model().items():
        for declaration in declarations:
            if isinstance(declaration, Derived) and _refers(other, declaration.by[0], model):
                own, begun = declaration.at(using).keys_of_owner(pk)
                keys += own
                prefixes += begun
    return RedisKeys(keys, prefixes)


def discard_keys(found: Iterable[RedisKeys]) -> None:
    """Delete the entries; the holds of writers at work stay until they are lifted.

    One walk over all keys of Redis finds those of all prefixes. Raises redis.RedisError or OSError when Redis cannot be
    reached.
    """
    everything = list(found)
    discard_entries({key for each in everything for key in each.keys})
    for _ in discard_under({prefix for each in everything for prefix in each.prefixes}):
        pass


def _refers(model: Any, attname: str, target: Any) -> bool:
    fields = (each for each in model._meta.concrete_fields if attname in (each.name, each.attname))
    return any(each.is_relation and each.related_model is target for each in fields)
