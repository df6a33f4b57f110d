"""The first round trip of a batch: what to send, and the answers if everything is a hit.

The event loop answers by this alone; the slow path (caching.reading.reader) goes on from here.
"""

from collections.abc import Sequence
from typing import Any

from caching.entries.source import Result, decode_all
from caching.protocol.codec import Stale
from caching.reading import stats
from caching.redis.cluster import by_slot, on_cluster
from caching.redis.script import Command


class ReadPlan:
    """The commands that read the entries of some questions, followed by `extra` commands that share the round trip."""

    def __init__(self, reads: Sequence[Result[Any]], extra: Sequence[Command] = ()) -> None:
        self._plain: list[Result[Any]] = []
        self._scripted: list[Result[Any]] = []
        keys: list[str] = []
        for read in reads:
            if read.source.scripted:
                self._scripted.append(read)
            else:
                self._plain.append(read)
                keys += read.identities
        self._groups = by_slot(dict.fromkeys(keys)) if on_cluster() else [keys] if keys else []
        self.commands: list[Command] = [("MGET", *group) for group in self._groups]
        self._plain_groups = len(self.commands)
        if self._scripted:
            self._plan_scripted()
        self._own = len(self.commands)
        self.commands += extra

    def _plan_scripted(self) -> None:
        """Have a command read all entries that are asked the same; questions to one entry become one."""
        self._asked: dict[str, Any] = {}
        source: Any
        for read in self._scripted:
            source = read.source
            for key, identity in read.identities.items():
                self._asked[key] = source.merged(self._asked[key], identity) if key in self._asked else identity
        together: dict[Any, list[str]] = {}
        for key, identity in self._asked.items():
            together.setdefault(source.question(identity), []).append(key)
        for keys in together.values():
            for group in by_slot(keys):
                self._groups.append(group)
                self.commands.append(source.read_command(group, self._asked[group[0]]))

    def replies_to_extra(self, replies: Sequence[Any]) -> Sequence[Any]:
        """Return the replies to the `extra` commands."""
        return replies[self._own :]

    def entries(self, replies: Sequence[Any], first: int = 0) -> dict[str, bytes | None]:
        """Return the entries by key, from the command at `first` on; where a reply was an error, there is none."""
        found: dict[str, bytes | None] = {}
        for group, reply in zip(self._groups[first:], replies[first:], strict=False):
            if not isinstance(reply, Exception):
                found.update(zip(group, reply, strict=True))
        return found

    def resolve(self, replies: Sequence[Any]) -> bool:
        """Hand out the values if every entry is a hit, and return whether it was. If not, some may be handed out."""
        for reply in replies[: self._own]:
            if isinstance(reply, Exception):
                return False
        hits: dict[str, int] = {}
        try:
            if self._plain:
                self._resolve_plain(self._in_order(replies), hits)
            if self._scripted:
                self._resolve_scripted(self.entries(replies, self._plain_groups), hits)
        except Stale:
            return False
        stats.count_hits(hits)
        return True

    def _in_order(self, replies: Sequence[Any]) -> Sequence[bytes | None]:
        """Return the entries of the plain questions, in the order of the questions and of the keys of each."""
        if not on_cluster():
            entries: list[bytes | None] = replies[0]
            return entries
        found = self.entries(replies[: self._plain_groups])
        return [found[key] for read in self._plain for key in read.identities]

    def _resolve_plain(self, entries: Sequence[Any], hits: dict[str, int]) -> None:
        if None in entries:
            raise Stale
        begin = 0
        for read in self._plain:
            source, identities = read.source, read.identities
            number, label = len(identities), source.label
            if number == 1:
                (identity,) = identities.values()
                read.resolve([source.decode(identity, entries[begin])])
            else:
                read.resolve(decode_all(source, identities.values(), entries[begin : begin + number]))
            begin += number
            hits[label] = hits.get(label, 0) + number

    def _resolve_scripted(self, entries: dict[str, bytes | None], hits: dict[str, int]) -> None:
        for read in self._scripted:
            source: Any = read.source
            (key,) = read.identities
            identity = self._asked[key]
            value = source.decode(identity, entries[key] or b"")
            if source.lacks(identity, value):
                raise Stale
            read.resolve([value])
            hits[source.label] = 1
