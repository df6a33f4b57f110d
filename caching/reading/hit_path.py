"""The first round trip of a batch: what to send, and the answers if everything is a hit.

The event loop answers by this alone; the slow path (caching.reading.reader) goes on from here.
"""

from collections.abc import Sequence
from typing import Any

from ..entries.source import Result, decode, decode_all
from ..protocol.codec import Stale
from ..redis.cluster import on_cluster
from ..redis.epochs import epochs, without_marks
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
        self._keys: list[str] = []
        keys = self._keys
        for read in reads:
            if read.question is None:
                self._plain.append(read)
                keys += read.identities
            elif is_spread:
                (key,) = read.identities
                self._together.setdefault((read.question, slot_of(key)), []).append(read)
            else:
                self._together.setdefault(read.question, []).append(read)
        self.commands: list[Command] = []
        if keys:
            self.commands = commands_by_slot(keys) if is_spread else [("MGET", *keys)]
        self._gets = len(self.commands)
        self._scripted_keys: list[list[str]] = []
        for those in self._together.values():
            of_sets = [key for read in those for key in read.identities]
            self._scripted_keys.append(of_sets)
            self.commands.append(those[0].source.read_command(of_sets, those[0].question))
        self._own = len(self.commands)
        self.commands += extra

    def replies_to_extra(self, replies: Sequence[Any]) -> Sequence[Any]:
        """Return the replies to the `extra` commands."""
        return replies[self._own :]

    def entries(self, replies: Sequence[Any]) -> dict[str, bytes | None]:
        """Return the entries by key; where a reply was an error, there is none."""
        found: dict[str, bytes | None] = {}
        plain = entries_of(self.commands[: self._gets], replies)
        scripted = zip(self._scripted_keys, replies[self._gets :], strict=False)
        for group, reply in ((self._keys, plain), *scripted):
            if not isinstance(reply, Exception):
                found.update(
                    (key, entry) for key, entry in zip(group, reply, strict=True) if not isinstance(entry, Exception)
                )
        return found

    def resolve(self, replies: list[Any]) -> bool:
        """Hand out the values if every entry is a hit, and return whether it was. If not, some may be handed out."""
        if not self._own:
            return True
        entries: list[Any] = []
        for reply in replies[: self._gets]:
            if reply.__class__ is list:
                entries += reply
            elif isinstance(reply, Exception):
                return False
            else:
                entries.append(reply)
        try:
            if entries:
                self._resolve_plain(entries)
            if self._together:
                self._resolve_scripted(replies[self._gets : self._own])
        except Stale:
            return False
        stats.count_hits(self._reads)
        return True

    def _resolve_plain(self, entries: Sequence[Any]) -> None:
        """Entries come in the order of the questions, and of the keys of each."""
        if not all(entries):  # None, and what is empty, is no entry; faster than `None in entries`
            raise Stale
        marks = epochs.marks(self._keys) if epochs.is_marking else ()
        begin = 0
        for read in self._plain:
            source, identities = read.source, read.identities
            end = begin + len(identities)
            is_marked = marks and not source.outlives_runs
            if end - begin == 1:
                entry = entries[begin]
                if is_marked:
                    mark = marks[begin]
                    if mark is None or not entry.startswith(mark):
                        raise Stale
                    entry = entry[len(mark) :]
                (identity,) = identities.values()
                read.resolve((source.decode(identity, entry),))
            else:
                those = entries[begin:end]
                if is_marked:
                    those = without_marks(those, marks[begin:end])
                read.resolve(decode_all(source, identities.values(), those))
            begin = end

    def _resolve_scripted(self, replies: Sequence[Any]) -> None:
        """A reply has an entry for each question of a kind."""
        if any(isinstance(reply, Exception) for reply in replies):
            raise Stale
        for reads, entries in zip(self._together.values(), replies, strict=True):
            for read, entry in zip(reads, entries, strict=True):
                source = read.source
                ((key, identity),) = read.identities.items()
                value = decode(source, key, identity, entry or b"")
                if source.lacks(identity, value):
                    raise Stale
                read.resolve((value,))


def commands_by_slot(keys: Sequence[str]) -> list[Command]:
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


def entries_of(commands: Sequence[Command], replies: Sequence[Any]) -> list[Any]:
    """Return an entry, or an error, for each key of commands that were made by slot."""
    entries: list[Any] = []
    for command, reply in zip(commands, replies, strict=False):
        entries += reply if reply.__class__ is list else [reply] * (len(command) - 1)
    return entries
