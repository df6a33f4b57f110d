"""Decoded rows that a process keeps by their entries: what stands in an entry determines the row."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..protocol.codec import NOTHING
from ..recent import HitRate, Recent

DecodeAll = Callable[[Iterable[Any], Sequence[bytes]], list[Any]]


class RememberedRows:
    """Reads entries of rows, each that was read lately without decoding it. The rows are immutable, and shared."""

    def __init__(self, decode: Callable[[Any, bytes], Any], decode_all: DecodeAll | None, size: int) -> None:
        """`decode` reads one entry, `decode_all`, if there is such a function, several with fewer calls."""
        self._decode, self._decode_all = decode, decode_all or self._decode_each
        self._rows: Recent[bytes, Any] = Recent(size)
        self._rate = HitRate(size)

    def decode(self, identity: Any, entry: bytes) -> Any:
        """Return the row, or None for nothing; raises Stale."""
        row = self._rows[entry]
        if row is None and (row := self._decode(identity, entry)) is not None:
            self._rows.put(entry, row)
        return row

    def decode_all(self, identities: Iterable[Any], entries: Sequence[bytes]) -> list[Any]:
        """Return the rows of entries; raises Stale."""
        number = len(entries)
        if self._rate.is_paused(number):
            return self._decode_all(identities, entries)
        known = self._rows
        rows = [*map(known.__getitem__, entries)]
        unknown = [at for at, row in enumerate(rows) if row is None and entries[at] != NOTHING]
        self._rate.note(number, number - len(unknown))
        if unknown:
            asked = list(identities)
            found = self._decode_all([asked[at] for at in unknown], [entries[at] for at in unknown])
            for at, row in zip(unknown, found, strict=True):
                rows[at] = row
                known.put(entries[at], row)
        return rows

    def _decode_each(self, identities: Iterable[Any], entries: Sequence[bytes]) -> list[Any]:
        return list(map(self._decode, identities, entries))
