"""Decoded rows that a process keeps by their entries: what stands in an entry determines the row."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from ..recent import Recent


class RememberedRows:
    """Reads entries of rows by `decode`, each that was read lately without it. The rows are immutable, and shared."""

    def __init__(self, decode: Callable[[Any, bytes], Any], size: int) -> None:
        self._decode = decode
        self._rows: Recent[bytes, Any] = Recent(size)

    def decode(self, identity: Any, entry: bytes) -> Any:
        """Return the row, or None for nothing; raises Stale."""
        row = self._rows[entry]
        if row is None and (row := self._decode(identity, entry)) is not None:
            self._rows.put(entry, row)
        return row

    def decode_all(self, identities: Iterable[Any], entries: Collection[bytes]) -> list[Any]:
        """Return the rows of entries; raises Stale."""
        rows = list(map(self._rows.__getitem__, entries))
        if all(rows):
            return rows
        decode = self.decode
        return [row or decode(*asked) for row, *asked in zip(rows, identities, entries, strict=True)]
