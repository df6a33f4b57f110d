"""A batch for whoever may not block: one pipeline to one server, and an answer from hits alone.

It is the first step of `reads.Reading` at half the price: nothing is noted that only a miss would need.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from caching import stats
from caching.codec import Stale
from caching.connection import Command
from caching.idsets import IdSet
from caching.sources import decoded

if TYPE_CHECKING:
    from caching.batch import Membership, Part


class Glance:
    """`commands` are to be sent; what they are answered is for `riders` and for `all_hit`."""

    def __init__(
        self, parts: Collection["Part"], memberships: Collection["Membership"], riders: Sequence[Command]
    ) -> None:
        self._parts = parts
        self._together: dict[tuple[int, ...], list[Membership]] = {}
        for each in memberships:
            self._together.setdefault(each.ident.ids, []).append(each)
        keys: list[str] = []
        for part in parts:
            keys += part.idents
        self._has_keys = bool(keys)
        self.commands: list[Command] = [("MGET", *keys)] if keys else []
        for those in self._together.values():
            self.commands.append(IdSet.probe([each.key for each in those], those[0].ident))
        self._own = len(self.commands)
        self.commands += riders

    def riders(self, replies: list[Any]) -> list[Any]:
        return replies[self._own :]

    def all_hit(self, replies: list[Any]) -> bool:
        """Whether all that was asked has been resolved. Of what is not, a part may have been."""
        if not self._own:
            return True
        own = replies[: self._own]
        for reply in own:
            if isinstance(reply, Exception):
                return False
        numbers: dict[str, int] = {}
        try:
            if self._has_keys:
                self._resolve(own.pop(0), numbers)
            for those, entries in zip(self._together.values(), own, strict=True):
                for each, entry in zip(those, entries, strict=True):
                    known = each.id_set.decode(each.ident, entry or b"")
                    if each.id_set.below_floor(each.ident, known):
                        return False
                    each.members = known.members
                    numbers[each.id_set.label] = 1
        except Stale:
            return False
        stats.hits(numbers)
        return True

    def _resolve(self, entries: list[bytes], numbers: dict[str, int]) -> None:
        """Entries come in the order of the parts, and of each part's keys."""
        if None in entries:
            raise Stale
        begin = 0
        for part in self._parts:
            source, idents = part.source, part.idents
            number, label = len(idents), source.label
            if number == 1:
                (ident,) = idents.values()
                part.resolve([source.decode(ident, entries[begin])])
            else:
                part.resolve(decoded(source, idents.values(), entries[begin : begin + number]))
            begin += number
            numbers[label] = numbers.get(label, 0) + number
