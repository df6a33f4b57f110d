"""Reading through the cache: one look for everything asked, one lease and one SQL query for what is missing."""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import Any

from ..conf import conf
from ..connections.following import following
from ..connections.limits import chunks
from ..connections.undecided import Question, decided
from ..databases import require_own
from ..entries.rows import Existence, rows_of
from ..entries.source import Result, Source, decode, encode, is_scripted
from ..protocol import steps, watch  # noqa: F401  watch: looks for pending invalidations while the cache is used
from ..protocol.codec import Stale
from ..redis.epochs import epochs
from ..redis.failures import Unavailable
from ..redis.script import Command
from ..writing.transactions import written_keys
from . import stats
from .hit_path import ReadPlan

FIRST_POLL_S, LONGEST_POLL_S = 0.002, 0.05


class ReadThrough:
    """One pass over some questions. Each key is resolved once: by an entry, or else by the database."""

    def __init__(self, reads: Sequence[Result[Any]]) -> None:
        self._reads = reads
        self._values: dict[str, Any] = {}
        self._held: set[str] = set()
        self._past: dict[str, bytes | None] = {}  # holds that may be questioned
        self._counts: Counter[tuple[stats.Counted, stats.Event]] = Counter()

    def run(self, extra: Sequence[Command] = ()) -> Sequence[Any]:
        """Answer every question, and return the replies to the `extra` commands; none if Redis could not be used."""
        aliases = {read.source.using for read in self._reads}
        # Nobody else may see yet what this transaction has written; it reads that from the database.
        own = set().union(*map(written_keys, aliases))
        may_hit = not own and not _asks_twice(self._reads)
        plan = ReadPlan(self._reads if may_hit else _questions(self._wants, self._keys() - own), extra)
        replies: Sequence[Any] = ()
        entries: Mapping[str, bytes | None] = {}
        with contextlib.suppress(Unavailable):
            replies = steps.fetch(plan.commands, optional=len(extra))
            if may_hit and plan.resolve(replies):
                return plan.replies_to_extra(replies)
            entries, replies = plan.entries(replies), plan.replies_to_extra(replies)
            # What a transaction reads may be an old snapshot, or its own.
            self._resolve(entries, may_fill=all(following(alias).may_fill() for alias in aliases))
        self._load(self._unresolved(self._keys()), "bypasses")
        self._hand_out()
        self._report()
        return replies

    @cached_property
    def _wants(self) -> dict[Source, dict[str, Any]]:
        return _merged(self._reads)

    def _keys(self) -> set[str]:
        return {key for identities in self._wants.values() for key in identities}

    def _unresolved(self, keys: Iterable[str]) -> list[str]:
        return [key for key in keys if key not in self._values]

    def _resolve(self, entries: Mapping[str, bytes | None], *, may_fill: bool) -> None:
        """Take the hits, fill what is absent, and wait for what others are loading, at most for the life of a lease."""
        deadline = time.monotonic() + conf().lease_ms / 1000
        pause_s = FIRST_POLL_S
        while True:
            absent, leased = self._sort_out(entries)
            if not may_fill:
                return
            absent |= self._past
            if absent:
                leased += self._lease_and_fill(absent)
            if not leased or time.monotonic() >= deadline:
                return
            self._count(leased if pause_s == FIRST_POLL_S else (), "waits")
            time.sleep(pause_s * random.uniform(0.5, 1))
            pause_s = min(pause_s * 2, LONGEST_POLL_S)
            plan = ReadPlan(_questions(self._wants, leased))
            entries = plan.entries(steps.fetch(plan.commands))

    def _sort_out(self, entries: Mapping[str, bytes | None]) -> tuple[dict[str, bytes | None], list[str]]:
        """Resolve hits; return the keys to be filled, with the unusable entry seen there, and those being loaded."""
        absent: dict[str, bytes | None] = {}
        leased: list[str] = []
        for source, identities in self._wants.items():
            for key, identity in identities.items():
                if entry := entries.get(key):
                    try:
                        self._values[key] = decode(source, key, identity, entry)
                    except Stale:
                        seen = entry.partition(b":")[0] if is_scripted(source) else entry  # without its answers
                        self._sort_out_unusable(key, seen, absent, leased)
                elif key in entries:
                    absent[key] = None
        return absent, leased

    def _sort_out_unusable(self, key: str, entry: bytes, absent: dict[str, bytes | None], leased: list[str]) -> None:
        if entry[0] == steps.LEASE:
            leased.append(key)
        elif entry[0] == steps.HOLD:
            self._held.add(key)
            # Redis' clock decides; where this one is slow, the entry is questioned a little later.
            if steps.deadline_ms(entry) < time.time() * 1000:
                self._past[key] = entry
        else:
            absent[key] = entry

    def _lease_and_fill(self, absent: dict[str, bytes | None]) -> list[str]:
        """Load and fill; return the keys for which another reader was quicker and is loading now."""
        token, since = steps.new_token(), epochs.version
        standing = steps.lease(absent, token)
        self._held |= absent.keys() - standing.keys()  # their server cannot be used
        if steps.PAST in standing.values():
            standing |= self._take_over(standing, token)
        self._past.clear()
        taken = [key for key, entry in standing.items() if entry is None]
        self._held.difference_update(taken)
        unusable, leased = self._sort_out({key: entry for key, entry in standing.items() if entry})
        try:
            self._load(self._unresolved(self._held), "bypasses", taken)
            fills, scripted = self._fills(taken, token)
        except BaseException:
            with contextlib.suppress(Unavailable):
                steps.release(taken, token)
            raise
        self._count(steps.fill(fills, token, since=since, scripted=scripted), "refused")
        return [*leased, *unusable]

    def _take_over(self, standing: Mapping[str, bytes | None], token: str) -> dict[str, bytes | None]:
        """Take leases in place of holds whose writers are not at work any more; return what stands there then."""
        seen = {key: self._past[key] for key, entry in standing.items() if entry == steps.PAST}
        over: list[str] = []
        for source, identities in self._wants.items():
            over += decided(source.using, {
                key: _question(source, identities[key], entry or b"")
                for key, entry in seen.items() if key in identities
            })  # fmt: skip
        return seen | steps.lease({key: seen[key] for key in over}, token, asked=True)

    def _load(self, keys: Collection[str], event: stats.Event, taken: Collection[str] = ()) -> None:
        """Read `keys` and the `taken` leases from the database, one query for each source."""
        require_own(chain(keys, taken))
        for source, identities in self._wants.items():
            if is_scripted(source):
                self._load_by(source, source.load_asked, identities, keys)
                self._load_by(source, source.load, identities, taken)
            else:
                self._load_by(source, source.load, identities, (*keys, *taken))
        self._count(keys, event)
        self._count(taken, "misses")

    def _load_by(self, source: Source, load: Any, identities: Mapping[str, Any], keys: Collection[str]) -> None:
        mine = [key for key in keys if key in identities]
        for some in chunks(source.using, mine, parameters_each=getattr(source, "parameters_each", 1)):
            found = load([identities[key] for key in some])
            self._values.update({key: found.get(identities[key]) for key in some})

    def _fills(self, keys: Sequence[str], token: str) -> tuple[dict[str, tuple[bytes, int]], dict[str, Command]]:
        """Return the entries of loaded values, and the commands that fill those of scripted sources."""
        entries: dict[str, tuple[bytes, int]] = {}
        scripted: dict[str, Command] = {}
        for source, identities in self._wants.items():
            for key in keys:
                if key not in identities:
                    continue
                if is_scripted(source):
                    scripted[key] = source.fill_command(key, self._values[key], token)
                else:
                    entries[key] = encode(source, key, identities[key], self._values[key])
        return entries, scripted

    def _hand_out(self) -> None:
        for source, identities in self._wants.items():
            if is_scripted(source):
                for key, identity in identities.items():
                    self._values[key] = source.complete(identity, self._values[key])
        for read in self._reads:
            read.resolve([self._values[key] for key in read.identities])

    def _count(self, keys: Iterable[str], event: stats.Event) -> None:
        for key in keys:
            source = next(source for source, identities in self._wants.items() if key in identities)
            self._counts[(source.label, source.__class__), event] += 1

    def _report(self) -> None:
        """Count as hits all that was not loaded."""
        for source, identities in self._wants.items():
            counted = (source.label, source.__class__)
            loaded = self._counts[counted, "misses"] + self._counts[counted, "bypasses"]
            stats.count(counted, "hits", len(identities) - loaded)
        for (counted, event), times in self._counts.items():
            stats.count(counted, event, times)


def _question(source: Source, identity: Any, hold_entry: bytes) -> Question:
    load = partial(source.load, [identity])
    return Question(load, steps.deadline_ms(hold_entry), steps.nodes_of(hold_entry))


def _asks_twice(reads: Sequence[Result[Any]]) -> bool:
    """Return whether scripted questions differ about one entry."""
    keys = [key for read in reads if read.question is not None for key in read.identities]
    return len(set(keys)) < len(keys)


def _merged(reads: Sequence[Result[Any]]) -> dict[Source, dict[str, Any]]:
    """Return the identities by source and key; questions of several reads to one entry become one."""
    wants: dict[Source, dict[str, Any]] = {}
    for read in reads:
        identities = wants.setdefault(read.source, {})
        for key, identity in read.identities.items():
            if key in identities and is_scripted(read.source):
                identity = read.source.merged(identities[key], identity)
            identities[key] = identity
    for source in [source for source in wants if isinstance(source, Existence)]:
        rows = rows_of(source.model, source.using)
        if rows in wants:  # these tell existence, too, and are one query together
            wants[rows].update(wants.pop(source))
    return wants


def _questions(wants: Mapping[Source, Mapping[str, Any]], keys: Collection[str]) -> list[Result[Any]]:
    """Return questions about some of the keys."""
    reads: list[Result[Any]] = []
    for source, identities in wants.items():
        mine = {key: identity for key, identity in identities.items() if key in keys}
        if is_scripted(source):
            reads += map(source.ask, mine.values())
        elif mine:
            reads.append(Result(source, mine))
    return reads
