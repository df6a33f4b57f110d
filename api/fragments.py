"""JSON texts of rows that stand in many answers, each written once while the process remembers it."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Generic, TypeVar

from msgspec import Raw

from api.json import encoded
from caching.extend import projection
from caching.recent import HitRate, Recent

MOST_REMEMBERED = 16_384
T = TypeVar("T")
_second = itemgetter(1)


class MadeOfRows(Generic[T]):
    """What a function makes of a row, remembered for the row itself.

    A row is immutable, so it is right as long as the row: worth it for models whose rows are remembered, too
    (Cached(remembered=…)).
    """

    def __init__(self, make: Callable[[Any], T], size: int = MOST_REMEMBERED) -> None:
        self._make = make
        # By id(row), which belongs to no other row while this one is kept beside what was made of it.
        self._made: Recent[int, tuple[Any, T]] = Recent(size)
        self._rate = HitRate(size)

    def of(self, rows: Sequence[Any], instead: Callable[[Sequence[Any]], list[Any]] | None = None) -> list[Any]:
        """Return what is made of each row. While few rows are known, nothing is remembered, and `instead` is called for
        all of them, if it is given."""
        if self._rate.is_paused(len(rows)):
            return instead(rows) if instead else list(map(self._make, rows))
        known: list[Any] = [*map(self._made.__getitem__, map(id, rows))]
        unknown = known.count(None)
        self._rate.note(len(rows), len(rows) - unknown)
        if unknown:
            known = [self._new(row) if pair is None else pair for row, pair in zip(rows, known, strict=True)]
        return [*map(_second, known)]

    def _new(self, row: Any) -> tuple[Any, T]:
        pair = row, self._make(row)
        self._made.put(id(row), pair)
        return pair


class Fragments:
    """JSON objects of the named columns of rows of one model."""

    def __init__(self, *columns: str) -> None:
        self._project = projection(columns)
        self._texts = MadeOfRows(self._write)

    def of(self, rows: Sequence[Any]) -> list[Any]:
        """Return the objects of rows for msgspec: texts, which it copies into other documents, or structs."""
        return self._texts.of(rows, self._project)

    def texts(self, rows: Sequence[Any]) -> list[Raw]:
        """Return the objects of rows as texts."""
        return self._texts.of(rows)

    def _write(self, row: Any) -> Raw:
        (shown,) = self._project([row])
        return Raw(encoded(shown))
