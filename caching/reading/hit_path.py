"""The first round trip of a batch: what to send, and the answers if everything is a hit.

The event loop answers by this alone; the slow path (caching.reading.reader) goes on from here.
"""

from collections.abc import Sequence
from typing import Any

from ..entries.source import Result, decode, decode_all, outlives_runs
from ..protocol.codec import Stale
from ..redis.cluster import on_cluster
from ..redis.epochs import epochs
from ..redis.script import Command
from ..redis.slot_map import slot_of
from . import stats


class ReadPlan:
    """The commands that read the entries of some questions, followed by `extra` commands that share the round trip."""

    def __init__(self, reads: Sequence[Result[Any]], extra: Sequence[Command] = ()) -> None:
        # Each read of each request passes through here and through `resolve`: few calls.
        self._reads = reads
        self._plain: list[Result[Any]] = []
        self._together: dict[Any, list[Result[Any]]] = {}
        is_spread = bool(reads) and on_cluster()
        keys: list[str] = []
        for read in reads:
            if read.question is None:
                self._plain.append(read)
                keys += read.identities
            elif is_spread:
                (key,) = read.identities
                self._together.setdefault((read.question, slot_of(key)), []).append(read)
            else:
                self._together.setdefault(read.question, []).append(read)
        self.commands: list[Command] = [("MGET", *keys)] if keys else []
        self._groups = [keys] if keys else []
        self._gets = 0
        if is_spread:
            self.commands = _commands_by_slot(keys)
            self._gets = len(self.commands)
        for those in self._together.values():
            of_sets = [key for read in those for key in read.identities]
            self._groups.append(of_sets)
            self.commands.append(those[0].source.read_command(of_sets, those[0].question))
        self._own = len(self.commands)
        self.commands += extra

    def replies_to_extra(self, replies: Sequence[Any]) -> Sequence[Any]:
        """Return the replies to the `extra` commands."""
        return replies[self._own :]

    def entries(self, replies: Sequence[Any]) -> dict[str, bytes | None]:
        """Return the entries by key; where a reply was an error, there is none."""
        found: dict[str, bytes | None] = {}
        for group, reply in zip(self._groups, self._by_group(replies), strict=False):
            if not isinstance(reply, Exception):
                found.update(
                    (key, entry) for key, entry in zip(group, reply, strict=True) if not isinstance(entry, Exception)
                )
        return found

    def resolve(self, replies: list[Any]) -> bool:
        """Hand out the values if every entry is a hit, and return whether it was. If not, some may be handed out."""
        if not self._own:
            return True
        own = replies[: self._own]
        for reply in own:
            if isinstance(reply, Exception):
                return False
        if self._gets:
            own = self._by_group(own)
        try:
            if self._plain:
                self._resolve_plain(self._believed(own.pop(0)) if epochs.is_marking else own.pop(0))
            if self._together:
                self._resolve_scripted(own)
        except Stale:
            return False
        stats.count_hits(self._reads)
        return True

    def _by_group(self, replies: Sequence[Any]) -> list[Any]:
        """Return a cluster's replies as those of one server: the entries that were asked for by key come first."""
        if not self._gets:
            return list(replies)
        entries, others = replies[: self._gets], replies[self._gets :]
        if self._gets < len(self._groups[0]):
            entries = _flat(self.commands, entries)
        return [entries, *others]

    def _resolve_plain(self, entries: Sequence[Any]) -> None:
        """Entries come in the order of the questions, and of the keys of each."""
        if not all(entries):  # None, and what is empty, is no entry; faster than `None in entries`
            raise Stale
        begin = 0
        for read in self._plain:
            source, identities = read.source, read.identities
            number = len(identities)
            if number == 1:
                (identity,) = identities.values()
                read.resolve((source.decode(identity, entries[begin]),))
            else:
                read.resolve(decode_all(source, identities.values(), entries[begin : begin + number]))
            begin += number

    def _believed(self, entries: Sequence[Any]) -> list[Any]:
        """Return entries without the marks of their runs, and b"" for each that is not of this run."""
        keys: list[str] = []
        marked: list[int] = []
        end = 0
        for read in self._plain:
            begin, end = end, end + len(read.identities)
            if not outlives_runs(read.source):
                keys += read.identities
                marked += range(begin, end)
        if len(keys) == len(entries):
            return epochs.unmarked(keys, entries)
        found = list(entries)
        for at, entry in zip(marked, epochs.unmarked(keys, [entries[at] for at in marked]), strict=True):
            found[at] = entry
        return found

    def _resolve_scripted(self, replies: Sequence[Any]) -> None:
        """A reply has an entry for each question of a kind."""
        for reads, entries in zip(self._together.values(), replies, strict=True):
            for read, entry in zip(reads, entries, strict=True):
                source = read.source
                ((key, identity),) = read.identities.items()
                value = decode(source, key, identity, entry or b"")
                if source.lacks(identity, value):
                    raise Stale
                read.resolve((value,))


def _commands_by_slot(keys: Sequence[str]) -> list[Command]:
    """Return a command for each key, and one for keys that follow each other and share a slot."""
    commands: list[Command] = []
    last = -1
    for key in keys:
        slot = slot_of(key)
        if slot == last:
            commands[-1] = ("MGET", *commands[-1][1:], key)
        else:
            commands.append(("GET", key))
            last = slot
    return commands


def _flat(commands: Sequence[Command], replies: Sequence[Any]) -> list[Any]:
    """Return an entry, or an error, for each key of commands that were made by slot."""
    entries: list[Any] = []
    for command, reply in zip(commands, replies, strict=False):
        entries += reply if reply.__class__ is list else [reply] * (len(command) - 1)
    return entries
