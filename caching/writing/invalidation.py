"""Deleting the entries of a model, of a set or list, or of all, after writes that the cache could not see."""

from collections.abc import Collection, Iterable
from itertools import chain

from django.db import connections

from .. import registry
from ..conf import conf
from ..connections.following import in_transaction
from ..protocol.invalidation import discard_entries, discard_under, prefixes_of
from .transactions import invalidate_at_commit


def invalidate(prefixes: Collection[str], *, using: Iterable[str]) -> int:
    """Delete the entries whose keys begin with one of these; return how many.

    Where a transaction is open on one of the databases `using`, do so at once and again after its commit. Raises
    redis.RedisError or OSError when Redis cannot be reached.
    """
    if not conf().enabled:
        return 0
    _repeat_at_commit(using, [f"{prefix}*" for prefix in prefixes])
    return sum(page.total() for page in discard_under(prefixes))


def invalidate_keys(keys: Collection[str], *, using: Iterable[str]) -> int:
    """Like `invalidate`, for entries whose keys are known."""
    if not conf().enabled:
        return 0
    _repeat_at_commit(using, keys)
    return discard_entries(keys).total()


def invalidate_all() -> int:
    """Like `invalidate`, for the rows of all cached models, their lookups, id sets, id lists and edge values, from all
    databases."""
    prefixes = prefixes_of(chain.from_iterable(registry.by_model().values()), connections)
    return invalidate(prefixes, using=connections)


def _repeat_at_commit(aliases: Iterable[str], keys: Collection[str]) -> None:
    # Nobody else sees before its commit what a transaction writes: readers may fill older rows again until then.
    for alias in aliases:
        if in_transaction(connections[alias]):
            invalidate_at_commit(alias, keys)
