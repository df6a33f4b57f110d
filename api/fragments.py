"""JSON texts of rows that stand in many answers, each written once while the process remembers it."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Raw

from api.json import encoded
from caching.extend import projection
from caching.recent import HitRate, Recent

MOST_REMEMBERED = 4_096


class Fragments:
    """JSON objects of the named columns of rows of one model.

    A row is immutable, so its text is remembered for the row itself: worth it for models whose rows are, too
    (Cached(remembered=…)).
    """

    def __init__(self, *columns: str) -> None:
        self._project = projection(columns)
        # By id(row), which belongs to no other row while this one is kept beside its text.
        self._texts: Recent[int, tuple[Any, Raw]] = Recent(MOST_REMEMBERED)
        self._rate = HitRate()

    def of(self, rows: Sequence[Any]) -> list[Any]:
        """Return the objects of rows for msgspec: texts, which it copies into other documents, or structs."""
        if self._rate.is_paused(len(rows)):
            return self._project(rows)
        known = [self._texts[id(row)] for row in rows]
        self._rate.note(len(rows), len(rows) - known.count(None))
        return [self._write(row) if text is None else text[1] for row, text in zip(rows, known, strict=True)]

    def extended(self, rows: Sequence[Any], additions: Iterable[Any]) -> list[Raw]:
        """Return the objects of rows, each with the fields of a struct behind its own."""
        texts = (bytes(each) if type(each) is Raw else encoded(each) for each in self.of(rows))
        return [Raw(text[:-1] + b"," + encoded(more)[1:]) for text, more in zip(texts, additions, strict=True)]

    def _write(self, row: Any) -> Raw:
        (shown,) = self._project([row])
        text = Raw(encoded(shown))
        self._texts.put(id(row), (row, text))
        return text
