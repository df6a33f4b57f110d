"""Reading through the cache: one look for everything asked, one lease and one SQL query for what is missing."""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connections

from caching import holds, stats, store
from caching.codec import Stale
from caching.conf import conf
from caching.connection import Command, Unavailable
from caching.sources import Source, is_probed

FIRST_POLL_S, LONGEST_POLL_S = 0.002, 0.05


class Reading:
    """One pass over what is wanted. Each key is resolved once: by an entry, or else by the database."""

    def __init__(self, wants: Mapping[Source, Mapping[str, Any]]) -> None:
        """`wants`: for each source the identities asked for, by key."""
        self.values: dict[str, Any] = {}
        self.wants = wants
        self._held: set[str] = set()
        self._counts: Counter[tuple[str, stats.Event]] = Counter()

    def run(self, riders: Sequence[Command] = ()) -> list[Any]:
        """Resolve every key; the answer is the riders' replies, [] if Redis could not be asked."""
        keys = [key for idents in self.wants.values() for key in idents]
        in_transaction = [
            alias for alias in {source.using for source in self.wants} if connections[alias].in_atomic_block
        ]
        # A transaction never fills: what it reads may be an old snapshot, or its own.
        may_fill = not in_transaction
        # Nobody else may see yet what this transaction has written; it reads that from the database.
        own = set().union(*(holds.touched(alias) for alias in in_transaction))
        replies: list[Any] = []
        with contextlib.suppress(Unavailable):
            entries, replies = store.look(self._look(set(keys) - own if own else None, riders))
            self._resolve(entries, may_fill=may_fill)
        if len(self.values) < len(keys):
            self._load(self._unresolved(keys), "bypasses")
        self._report()
        return replies

    def _look(self, keys: Collection[str] | None, riders: Sequence[Command] = ()) -> store.Look:
        """None: all keys."""
        plain: list[str] = []
        probed: dict[Any, tuple[Any, list[str]]] = {}
        for source, idents in self.wants.items():
            mine: Iterable[str] = idents if keys is None else [key for key in idents if key in keys]
            if is_probed(source):
                for key in mine:
                    probed.setdefault(idents[key], (source.probe, []))[1].append(key)
            else:
                plain.extend(mine)
        probes = [(together, probe(together, ident)) for ident, (probe, together) in probed.items()]
        return store.Look(plain, riders, probes=probes)

    def _unresolved(self, keys: Iterable[str]) -> list[str]:
        return [key for key in keys if key not in self.values]

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
            entries, _ = store.look(self._look(leased))

    def _sort_out(self, entries: Mapping[str, bytes | None]) -> tuple[dict[str, bytes | None], list[str]]:
        """Resolve hits; returns the keys to be filled, with the unusable entry seen there, and those being loaded."""
        absent: dict[str, bytes | None] = {}
        leased: list[str] = []
        values = self.values
        for source, idents in self.wants.items():
            decode = source.decode
            for key, ident in idents.items():
                entry = entries.get(key)
                if entry:
                    try:
                        values[key] = decode(ident, entry)
                    except Stale:
                        self._sort_out_unusable(key, entry, absent, leased)
                elif key in entries:
                    absent[key] = None
        return absent, leased

    def _sort_out_unusable(self, key: str, entry: bytes, absent: dict[str, bytes | None], leased: list[str]) -> None:
        if entry[0] == store.LEASE:
            leased.append(key)
        elif entry[0] == store.HOLD:
            self._held.add(key)
        else:
            absent[key] = entry

    def _lease_and_fill(self, absent: dict[str, bytes | None]) -> list[str]:
        """Returns the keys for which somebody else was quicker and is loading now."""
        token = store.new_token()
        standing = store.lease(absent, token)
        taken = [key for key, entry in standing.items() if entry is None]
        unusable, leased = self._sort_out({key: entry for key, entry in standing.items() if entry})
        try:
            self._load(self._unresolved(self._held), "bypasses", taken)
            fills, sets = self._entries(taken), self._sets(taken, token)
        except BaseException:
            with contextlib.suppress(Unavailable):
                store.release(taken, token)
            raise
        self._count(store.fill(fills, token, sets=sets), "refused")
        return [*leased, *unusable]

    def _load(self, keys: Collection[str], event: stats.Event, taken: Collection[str] = ()) -> None:
        """Read `keys` and the `taken` leases from the database, one query for each source."""
        for source, idents in self.wants.items():
            if is_probed(source):
                self._load_with(source.look_up, idents, keys)
                self._load_with(source.load, idents, taken)
            else:
                self._load_with(source.load, idents, (*keys, *taken))
        self._count(keys, event)
        self._count(taken, "misses")

    def _load_with(self, load: Any, idents: Mapping[str, Any], keys: Collection[str]) -> None:
        mine = [key for key in keys if key in idents]
        if mine:
            found = load([idents[key] for key in mine])
            self.values.update({key: found.get(idents[key]) for key in mine})

    def _entries(self, keys: Sequence[str]) -> dict[str, tuple[bytes, int]]:
        return {
            key: source.encode(idents[key], self.values[key])
            for source, idents in self.wants.items()
            if not is_probed(source)
            for key in keys
            if key in idents
        }

    def _sets(self, keys: Sequence[str], token: str) -> dict[str, Command]:
        return {
            key: source.fill_command(key, self.values[key], token)
            for source, idents in self.wants.items()
            if is_probed(source)
            for key in keys
            if key in idents
        }

    def _source_of(self, key: str) -> Source:
        return next(source for source, idents in self.wants.items() if key in idents)

    def _count(self, keys: Iterable[str], event: stats.Event) -> None:
        for key in keys:
            self._counts[self._source_of(key).label, event] += 1

    def _report(self) -> None:
        """Whatever was not loaded was a hit: so hits, the many, are not counted one by one."""
        for source, idents in self.wants.items():
            loaded = self._counts[source.label, "misses"] + self._counts[source.label, "bypasses"]
            stats.count(source.label, "hits", len(idents) - loaded)
        for (label, event), times in self._counts.items():
            stats.count(label, event, times)
