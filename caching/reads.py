"""Reading through the cache: one look for everything asked, one lease and one SQL query for what is missing."""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connections

from . import holds, stats, store
from .codec import Stale
from .conf import conf
from .connection import Command, Unavailable
from .sources import Source

FIRST_POLL_S, LONGEST_POLL_S = 0.002, 0.05


class Want(NamedTuple):
    source: Source
    ident: Any


class Reading:
    """One pass over a set of wants. Each is resolved once: by an entry, or else by the database."""

    def __init__(self, wants: Mapping[str, Want]) -> None:
        """`wants` by key."""
        self.values: dict[str, Any] = {}
        self._wants = wants
        self._unresolved = set(wants)
        self._held: set[str] = set()
        self._counts: Counter[tuple[str, stats.Event]] = Counter()

    def run(self, riders: Sequence[Command] = ()) -> list[Any]:
        """Resolve every want; the answer is the riders' replies, [] if Redis could not be asked."""
        aliases = {want.source.using for want in self._wants.values()}
        # Nobody else may see yet what this transaction has written; it reads that from the database.
        own = set().union(*(holds.touched(alias) for alias in aliases))
        # A transaction never fills: what it reads may be an old snapshot, or its own.
        may_fill = not any(connections[alias].in_atomic_block for alias in aliases)
        replies: list[Any] = []
        with contextlib.suppress(Unavailable):
            entries, replies = store.look(self._unresolved - own, riders)
            self._resolve(entries, may_fill=may_fill)
        self._load(set(self._unresolved), "bypasses")
        for (label, event), times in self._counts.items():
            stats.count(label, event, times)
        return replies

    def _resolve(self, entries: Mapping[str, bytes | None], *, may_fill: bool) -> None:
        """Take the hits; fill what is absent; wait for what others are loading, at most for the life of a lease."""
        deadline = time.monotonic() + conf().lease_ms / 1000
        pause_s = FIRST_POLL_S
        while True:
            absent, leased = self._sort_out(entries)
            if not may_fill:
                return
            if absent:
                leased += self._lease_and_fill(absent)
            if not leased or time.monotonic() >= deadline:
                return
            self._count(leased if pause_s == FIRST_POLL_S else (), "waits")
            time.sleep(pause_s * random.uniform(0.5, 1))
            pause_s = min(pause_s * 2, LONGEST_POLL_S)
            entries, _ = store.look(leased)

    def _sort_out(self, entries: Mapping[str, bytes | None]) -> tuple[dict[str, bytes | None], list[str]]:
        """Resolve hits; returns the keys to be filled, with the unusable entry seen there, and those being loaded."""
        absent: dict[str, bytes | None] = {}
        leased: list[str] = []
        for key, entry in entries.items():
            if not entry:
                absent[key] = None
            elif entry[0] == store.LEASE:
                leased.append(key)
            elif entry[0] == store.HOLD:
                self._held.add(key)
            else:
                source, ident = self._wants[key]
                try:
                    self.values[key] = source.decode(ident, entry)
                except Stale:
                    absent[key] = entry
                else:
                    self._unresolved.discard(key)
                    self._counts[source.label, "hits"] += 1
        return absent, leased

    def _lease_and_fill(self, absent: dict[str, bytes | None]) -> list[str]:
        """Returns the keys for which somebody else was quicker and is loading now."""
        token = store.new_token()
        standing = store.lease(absent, token)
        taken = [key for key, entry in standing.items() if entry is None]
        unusable, leased = self._sort_out({key: entry for key, entry in standing.items() if entry})
        try:
            self._load(self._held & self._unresolved, "bypasses", taken)
            fills = {key: self._wants[key].source.encode(self._wants[key].ident, self.values[key]) for key in taken}
        except BaseException:
            with contextlib.suppress(Unavailable):
                store.release(taken, token)
            raise
        for key in store.fill(fills, token):
            self._counts[self._wants[key].source.label, "refused"] += 1
        return [*leased, *unusable]

    def _load(self, keys: Collection[str], event: stats.Event, taken: Sequence[str] = ()) -> None:
        """Read `keys` and the `taken` leases from the database, one query for each source."""
        by_source: dict[Source, dict[Any, str]] = {}
        for key in (*keys, *taken):
            source, ident = self._wants[key]
            by_source.setdefault(source, {})[ident] = key
        for source, idents in by_source.items():
            found = source.load(idents)
            self.values.update({key: found.get(ident) for ident, key in idents.items()})
        self._unresolved.difference_update(keys, taken)
        self._count(keys, event)
        self._count(taken, "misses")

    def _count(self, keys: Iterable[str], event: stats.Event) -> None:
        for key in keys:
            self._counts[self._wants[key].source.label, event] += 1
