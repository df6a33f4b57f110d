"""Deleting many entries at once: those of a model, of a set or list, or of all, beside live readers and writers.

Entries are found by SCAN and deleted by a script. A reader who began to load before finds its lease gone and fills
nothing; a writer's hold stays, and its lift deletes whatever it finds. What is loaded from now on is filled.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice
from os.path import commonprefix

from django.db import connections, transaction

from .. import registry
from ..conf import conf
from ..redis.client import redis_client, round_trip
from ..redis.cluster import by_slot
from ..redis.script import Script
from ..registry import Declaration
from .steps import LUA

PAGE = 1_000

_discard = Script.from_files(LUA, "claims", "discard")


def invalidate(prefixes: Collection[str], *, using: Iterable[str]) -> int:
    """Delete the entries whose keys begin with one of these; return how many.

    Where a transaction is open on one of the databases `using`, do so at once and again after its commit. Raises
    redis.RedisError or OSError when Redis cannot be reached.
    """
    return _again_after_commit(using, lambda: sum(page.total() for page in discard_under(prefixes)))


def invalidate_keys(keys: Collection[str], *, using: Iterable[str]) -> int:
    """Like `invalidate`, for entries whose keys are known."""
    return _again_after_commit(using, lambda: discard_entries(keys).total())


def invalidate_all() -> int:
    """Like `invalidate`, for the rows of all cached models, their lookups, id sets, id lists and edge values, from all
    databases."""
    prefixes = prefixes_of(chain.from_iterable(registry.by_model().values()), connections)
    return invalidate(prefixes, using=connections)


def prefixes_of(declarations: Iterable[Declaration], aliases: Iterable[str]) -> set[str]:
    """Return what the keys of the declarations' entries from these databases begin with."""
    databases = list(aliases)
    return {prefix for each in declarations for using in databases for prefix in each.key_prefixes(using)}


def _again_after_commit(aliases: Iterable[str], delete: Callable[[], int]) -> int:
    if not conf().enabled:
        return 0
    # Nobody else sees before its commit what a transaction writes: readers may fill older rows again until then.
    for alias in aliases:
        if connections[alias].in_atomic_block:
            transaction.on_commit(delete, using=alias)
    return delete()


def discard_under(prefixes: Collection[str], *, dry_run: bool = False) -> Iterator[Counter[str]]:
    """Delete, or only count, the entries whose keys begin with one of these; yield {prefix: entries} page by page."""
    matches = keys_under(prefixes)
    while page := dict(islice(matches, PAGE)):
        deleted = discard_entries(list(page), dry_run=dry_run)
        yield Counter(page[key] for key in deleted.elements())


def keys_under(prefixes: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the keys that begin with one of these, each with its prefix."""
    if not prefixes:
        return
    begins = re.compile("|".join(map(re.escape, sorted(prefixes, key=len, reverse=True))))
    pattern = re.sub(r"([\\*?[\]])", r"\\\1", commonprefix(list(prefixes))) + "*"  # noqa: RUF071  keys are no paths
    found = (key.decode(errors="replace") for key in redis_client().scan_iter(match=pattern, count=PAGE))
    yield from ((key, match[0]) for key in found if (match := begins.match(key)))


def discard_entries(keys: Iterable[str], *, dry_run: bool = False) -> Counter[str]:
    """Delete, or only count, the entries and leases of these keys, but not holds; return {key: 1} of the deleted."""
    groups = by_slot(keys)
    replies = round_trip([_discard.command(group, [0 if dry_run else 1]) for group in groups])
    deleted: Counter[str] = Counter()
    for group, reply in zip(groups, replies, strict=True):
        if isinstance(reply, Exception):
            raise reply
        deleted.update(dict(zip(group, reply, strict=True)))
    return deleted
