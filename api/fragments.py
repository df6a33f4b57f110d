"""JSON texts of rows that stand in many answers, each written once while the process remembers it."""

from collections.abc import Sequence
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
        self._texts: Recent[int, tuple[Any, Raw]] = Recent(MOST_REMEMBERED)  # by id(row), which the row keeps in use
        self._rate = HitRate()

    def of(self, rows: Sequence[Any]) -> list[Any]:
        """Return the objects of rows for msgspec: texts, which it copies into other documents, or structs."""
        if self._rate.is_paused(len(rows)):
            return self._project(rows)
        remembered = [self._texts[id(row)] for row in rows]
        texts = [
            known[1] if known is not None and known[0] is row else None
            for row, known in zip(rows, remembered, strict=True)
        ]
        self._rate.note(len(rows), len(rows) - texts.count(None))
        return [text or self._write(row) for row, text in zip(rows, texts, strict=True)]

    def _write(self, row: Any) -> Raw:
        (shown,) = self._project([row])
        text = Raw(encoded(shown))
        self._texts.put(id(row), (row, text))
        return text
