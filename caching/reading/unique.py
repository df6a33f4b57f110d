"""Finding a row by a unique column."""

from typing import Any

from django.db import models

from ..entries.lookup import Lookup, Pointer, lookup_columns
from ..entries.rows import rows_of
from ..entries.source import Result
from ..faults import field_of
from .batch import read_rows
from .reader import ReadThrough


def find(model: Any, column: str, value: Any, using: str | None = None) -> Any:
    """Return the cached row, or None: the pointer is one round trip, the row it leads to another.

    `using`: by default the database that the router names now. Raises ValueError for a column that is not among
    Cached(lookups=…), and ValidationError for a value of the wrong type.
    """
    lookup, value = looked_up(model, column, value, using)
    if value is None:
        return None  # any number of rows may have none
    for _ in range(2):
        pointer, row = _follow(lookup, value)
        if pointer is None or row is not None:
            return row
        # The row has changed its value since, or is gone: the pointer itself is replaced, as an unusable entry is.
        lookup = Lookup(lookup.model, lookup.column, pointer, lookup.using)
    # The value moves from row to row faster than pointers can be followed; where it is now, one query says.
    lookup.load([value])
    return lookup.row


def looked_up(model: Any, column: str, value: Any, using: str | None) -> tuple[Lookup, Any]:
    """Return the source that finds rows by a column, and a value in the one form that it gives it.

    Raises ValueError for a column that is not among Cached(lookups=…), and ValidationError for a wrong value.
    """
    rows, field = rows_of(model, using), field_of(model, column)
    columns = lookup_columns(rows.model, rows.using)
    if field is None or field.attname not in columns:
        raise ValueError(f"{model._meta.label} is not looked up by {column!r}: name it in Cached(lookups=…).")
    if isinstance(value, models.Model):
        value = getattr(value, field.target_field.attname)
    return Lookup(rows.model, field.attname, using=rows.using), columns[field.attname].canonical(value)


def pointer_to(lookup: Lookup, value: Any) -> Result[Pointer | None]:
    """Return the question where a value leads."""
    return Result(lookup, {lookup.key(value): value})


def is_believed(lookup: Lookup, pointer: Pointer, row: Any) -> bool:
    """Return whether the row that a pointer leads to still has the value that was looked up."""
    return row is not None and getattr(row, lookup.column) == pointer.matched


def _follow(lookup: Lookup, value: Any) -> tuple[Pointer | None, Any]:
    question = pointer_to(lookup, value)
    ReadThrough([question]).run()
    pointer = question.result
    if pointer is None or lookup.row is not None:
        return pointer, lookup.row
    row = read_rows(lookup.model, [pointer.pk], lookup.using).row(pointer.pk)
    return pointer, row if is_believed(lookup, pointer, row) else None
