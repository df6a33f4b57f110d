"""Finding a row by a unique column."""

from typing import Any

from django.db import models

from ..cacheable import Cacheable
from ..entries.lookup import Lookup, Pointer, lookup_columns
from ..entries.rows import rows_of
from ..entries.source import Result
from ..faults import field_of
from .batch import read_rows
from .reader import ReadThrough


def find(model: type[Cacheable], column: str, value: Any, using: str | None = None) -> Any:
    """Return the cached row, or None: the pointer is one round trip, the row it leads to another.

    `using`: by default the database that the router names now. Raises ValueError for a column that is not among
    Cached(lookups=…), and ValidationError for a value of the wrong type.
    """
    rows, field = rows_of(model, using), field_of(model, column)
    columns = lookup_columns(rows.model, rows.using)
    if field is None or field.attname not in columns:
        raise ValueError(f"{model._meta.label} is not looked up by {column!r}: name it in Cached(lookups=…).")
    if isinstance(value, models.Model):
        value = getattr(value, field.target_field.attname)
    value = columns[field.attname].canonical(value)
    if value is None:
        return None  # any number of rows may have none
    disproved = None
    for _ in range(2):
        lookup = Lookup(rows.model, field.attname, disproved, rows.using)
        pointer, row = _follow(lookup, value)
        if pointer is None or row is not None:
            return row
        # The row has changed its value since, or is gone: the pointer itself is replaced, as an unusable entry is.
        disproved = pointer
    # The value moves from row to row faster than pointers can be followed; where it is now, one query says.
    lookup.load([value])
    return lookup.row


def _follow(lookup: Lookup, value: Any) -> tuple[Pointer | None, Any]:
    question: Result[Pointer | None] = Result(lookup, {lookup.key(value): value})
    ReadThrough([question]).run()
    pointer = question.result
    if pointer is None or lookup.row is not None:
        return pointer, lookup.row
    row = read_rows(lookup.model, [pointer.pk], lookup.using).row(pointer.pk)
    believed = row is not None and getattr(row, lookup.column) == pointer.matched
    return pointer, row if believed else None
