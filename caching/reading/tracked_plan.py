"""The first round trip of a batch over a link whose server tells of changes (caching.redis.client_side)."""

from collections.abc import Sequence
from itertools import compress
from typing import Any

from ..entries.source import Result, decode_all
from ..protocol.codec import Stale
from ..redis.client_side import NOTHING, TRACKED, ClientSideCache
from ..redis.cluster import on_cluster
from ..redis.epochs import epochs
from ..redis.script import Command
from ..redis.slot_map import slot_of
from . import stats
from .hit_path import commands_by_slot, entries_of


class TrackedPlan:
    """The commands that read what is not known of some questions, followed by `extra` commands; otherwise a ReadPlan.

    There may be none. Then any round trip shows that what is known is still so; on a cluster, that of
    known.commands_to_confirm.
    """

    def __init__(self, known: ClientSideCache, reads: Sequence[Result[Any]], extra: Sequence[Command]) -> None:
        # Each read of each request passes through here and through `resolve`: few calls, and none for an id.
        self._known, self._version, self._reads = known, known.version, reads
        self._values = [known.look_up(read.prefix, read.source, read.ids) for read in reads]
        self._asked = [
            _Asked(read, values)
            for read, values in zip(reads, self._values, strict=True)
            if not all(values) and None in values
        ]
        self.confirms_all = sum(len(read.ids) for read in reads) >= known.confirm_all_from
        """Whether the replies show that also what else is known is still so."""
        few = None if self.confirms_all else [(read.prefix, read.ids) for read in reads]
        self.commands: list[Command] = known.commands_to_confirm(few)
        self._confirming = len(self.commands)
        self._together: list[tuple[list[int], list[_Asked]]] = []
        """Questions that are asked together, and the places of their commands."""
        if self._asked:
            self._ask()
        self._own = len(self.commands)
        self.commands += extra

    def _ask(self) -> None:
        """Add the commands that read what is not known: first what nobody tells of, then what is to be tracked."""
        is_spread = on_cluster()
        groups: dict[Any, list[_Asked]] = {}
        for asked in self._asked:
            question = asked.read.question
            slot = slot_of(asked.keys[0]) if is_spread and question is not None else None
            groups.setdefault((asked.read.prefix is not None, question, slot), []).append(asked)
        for (is_tracked, question, _), those in groups.items():
            keys = [key for asked in those for key in asked.keys]
            if question is not None:
                commands = [those[0].read.source.read_command(keys, question, tell_all=is_tracked)]
            else:
                commands = commands_by_slot(keys) if is_spread else [("MGET", *keys)]
            places = []
            for command in commands:
                self.commands += (TRACKED, command) if is_tracked else (command,)
                places.append(len(self.commands) - 1)
            self._together.append((places, those))

    @property
    def knows_all(self) -> bool:
        """Whether nothing has to be read."""
        return not self._asked

    def replies_to_extra(self, replies: Sequence[Any]) -> Sequence[Any]:
        """Return the replies to the `extra` commands."""
        return replies[self._own :]

    def resolve(self, replies: Sequence[Any]) -> bool:
        """Hand out the values if every entry is a hit, and return whether it was. If not, some may be handed out."""
        are_hits = True
        for places, those in self._together:  # whatever is a hit is kept, also where others are not
            are_hits &= self._take(those, [self.commands[at] for at in places], [replies[at] for at in places])
        if not are_hits or any(isinstance(reply, Exception) for reply in replies[: self._confirming]):
            return False
        try:
            if self._known.version != self._version:
                self._look_again()
            for read, values in zip(self._reads, self._values, strict=True):
                read.resolve(values if all(values) else [None if value is NOTHING else value for value in values])
        except Stale:
            return False
        stats.count_hits(self._reads)
        return True

    def _take(self, those: "list[_Asked]", commands: Sequence[Command], replies: Sequence[Any]) -> bool:
        """Take the entries of some questions; return whether all are hits."""
        reply = entries_of(commands, replies)
        if any(isinstance(entry, Exception) for entry in reply):
            return False
        end, are_hits = 0, True
        for asked in those:
            begin, end = end, end + len(asked.keys)
            are_hits &= asked.take(self._known, self._version, reply[begin:end])
        return are_hits

    def _look_again(self) -> None:
        """Raise Stale if anything that was known when the plan was made has changed since."""
        asked = {id(each.values): each.places for each in self._asked}
        for read, values in zip(self._reads, self._values, strict=True):
            now, fresh = self._known.look_up(read.prefix, read.source, read.ids), asked.get(id(values), ())
            if not all(now) and any(value is None and at not in fresh for at, value in enumerate(now)):
                raise Stale


class _Asked:
    """What is read for one question: `keys`, and the `places` of their values among its `values`."""

    def __init__(self, read: Result[Any], values: list[Any]) -> None:
        self.read, self.values = read, values
        self.places = [at for at, value in enumerate(values) if value is None]
        keys, identities = [*read.identities], [*read.identities.values()]
        self.keys, self._identities = [keys[at] for at in self.places], [identities[at] for at in self.places]

    def take(self, known: ClientSideCache, since: int, entries: Sequence[bytes | None]) -> bool:
        """Put the values of entries into their places; return whether all are hits."""
        source = self.read.source
        if epochs.is_marking and not source.outlives_runs:
            entries = epochs.unmarked(self.keys, entries)
        if all(entries):
            return self._take(known, since, entries)
        self.places, self.keys, self._identities = (
            [*compress(each, entries)] for each in (self.places, self.keys, self._identities)
        )
        self._take(known, since, [*filter(None, entries)])
        return False

    def _take(self, known: ClientSideCache, since: int, entries: Sequence[Any]) -> bool:
        read, source = self.read, self.read.source
        try:
            decoded = decode_all(source, self._identities, entries)
        except Stale:
            return False
        if read.question is not None and any(map(source.lacks, self._identities, decoded)):
            return False
        found = [NOTHING if value is None else value for value in decoded]
        for at, value in zip(self.places, found, strict=True):
            self.values[at] = value
        if found and read.prefix is not None and (read.question is None or source.tells_all(found[0])):
            ids = [*read.ids]
            known.put(read.prefix, source, self.keys, [ids[at] for at in self.places], found, since=since)
        return True
