"""JSON texts of rows that stand in many answers, each written once while the process remembers it."""

from collections.abc import Iterable
from typing import Any

from msgspec import Raw

from api.json import encoded
from caching.extend import projection
from caching.recent import Recent

MOST_REMEMBERED = 4_096


class Fragments:
    """JSON objects of the named columns of rows of one model.

    A row is immutable, so its text is remembered for the row itself: worth it for models whose rows are, too
    (Cached(remembered=…)).
    """

    def __init__(self, *columns: str) -> None:
        self._project = projection(columns)
        self._texts: Recent[int, tuple[Any, Raw]] = Recent(MOST_REMEMBERED)  # by id(row), which the row keeps in use

    def of(self, rows: Iterable[Any]) -> list[Raw]:
        """Return the texts of rows, which msgspec writes into other documents as they are."""
        texts, found = self._texts, []
        for row in rows:
            remembered = texts[id(row)]
            found.append(self._write(row) if remembered is None or remembered[0] is not row else remembered[1])
        return found

    def _write(self, row: Any) -> Raw:
        (shown,) = self._project([row])
        text = Raw(encoded(shown))
        self._texts.put(id(row), (row, text))
        return text
