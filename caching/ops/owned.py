"""The entries that belong to a row: its own, and those of what other rows derive for it by a foreign key."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .. import registry
from ..databases import database_of
from ..entries.derived import Derived
from ..entries.lookup import lookup_keys
from ..entries.rows import rows_of
from ..protocol.invalidation import discard_entries, keys_under
from ..redis.client import redis_client
from ..redis.cluster import by_slot


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


def discard_keys(found: Iterable[RedisKeys], *, with_holds: bool = False) -> None:
    """Delete the entries; the holds of writers stay until they are lifted, unless `with_holds`.

    Delete them with their holds only where no writer can commit any more what they hold for: the row is gone, and so
    is all that refers to it. A writer who was killed has left holds that only a reader would take over.

    One walk over all keys of Redis finds those of all prefixes. Raises redis.RedisError or OSError when Redis cannot be
    reached.
    """
    everything = list(found)
    keys = {key for each in everything for key in each.keys}
    keys.update(key for key, _ in keys_under({prefix for each in everything for prefix in each.prefixes}))
    if with_holds:
        for group in by_slot(keys):
            redis_client().unlink(*group)
    else:
        discard_entries(keys)


def _refers(model: Any, attname: str, target: Any) -> bool:
    fields = (each for each in model._meta.concrete_fields if attname in (each.name, each.attname))
    return any(each.is_relation and each.related_model is target for each in fields)
