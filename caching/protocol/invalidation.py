"""Deleting many entries at once: those of a model, of a set or list, or of all, beside live readers and writers.

Entries are found by SCAN and deleted by a script. A reader who began to load before finds its lease gone and fills
nothing; a writer's hold stays, and its lift deletes whatever it finds. What is loaded from now on is filled.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from os.path import commonprefix

from ..redis.client import round_trip, scan
from ..redis.cluster import by_slot
from ..redis.epochs import epochs
from ..redis.failures import FAILURES
from ..redis.script import Script
from ..registry import Declaration
from .agreement import require_current
from .steps import LUA

PAGE = 1_000

_discard = Script.from_files(LUA, "claims", "discard")


def prefixes_of(declarations: Iterable[Declaration], aliases: Iterable[str]) -> set[str]:
    """Return what the keys of the declarations' entries from these databases begin with."""
    databases = list(aliases)
    return {prefix for each in declarations for using in databases for prefix in each.key_prefixes(using)}


def discard_under(prefixes: Collection[str], *, dry_run: bool = False) -> Iterator[Counter[str]]:
    """Delete, or only count, the entries whose keys begin with one of these; yield {prefix: entries} page by page.

    Raises redis.RedisError or OSError, of a cluster once the servers that can be used have been dealt with.
    """
    matches, failure = keys_under(prefixes), None
    while failure is None:
        page: dict[str, str] = {}
        try:
            page.update(islice(matches, PAGE))
        except FAILURES as error:  # what came before it is in the page
            failure = error
        if not page:
            break
        deleted = discard_entries(list(page), dry_run=dry_run)
        yield Counter(page[key] for key in deleted.elements())
    if failure:
        raise failure


def keys_under(prefixes: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the keys that begin with one of these, each with its prefix."""
    if not prefixes:
        return
    begins = re.compile("|".join(map(re.escape, sorted(prefixes, key=len, reverse=True))))
    pattern = re.sub(r"([\\*?[\]])", r"\\\1", commonprefix(list(prefixes))) + "*"  # noqa: RUF071  keys are no paths
    found = (key.decode(errors="replace") for key in scan(pattern))
    yield from ((key, match[0]) for key in found if (match := begins.match(key)))


def discard_entries(keys: Iterable[str], *, dry_run: bool = False) -> Counter[str]:
    """Delete, or only count, the entries and leases of these keys, but not holds; return {key: 1} of the deleted."""
    groups, version = by_slot(keys), epochs.version
    replies = round_trip([_discard.command(group, [0 if dry_run else 1]) for group in groups])
    deleted: Counter[str] = Counter()
    for group, reply in zip(groups, replies, strict=True):
        if isinstance(reply, Exception):
            raise reply
        deleted.update(dict(zip(group, reply, strict=True)))
    require_current(version)
    return deleted
