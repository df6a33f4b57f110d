"""Finding a row by a unique column."""

from typing import Any

from ..cacheable import Cacheable
from ..entries.lookup import Lookup, Pointer
from ..entries.source import Result
from .batch import read_rows
from .reader import ReadThrough


def find(model: Any, column: str, value: Any) -> Any:
    """Return the cached row, or None: the pointer is one round trip, the row it leads to another.

    Raises ValueError for a column that is not among Cached(lookups=…).
    """
    value = lookup_value(model, column, value)
    if value is None:
        return None  # any number of rows may have none
    disproved = None
    for _ in range(2):
        lookup = Lookup(model, column, disproved)
        pointer, row = _follow(lookup, value)
        if pointer is None or row is not None:
            return row
        # The row has changed its value since, or is gone: the pointer itself is replaced, as an unusable entry is.
        disproved = pointer
    # The value moves from row to row faster than pointers can be followed; where it is now, one query says.
    lookup.load([value])
    return lookup.row


def lookup_value(model: type[Cacheable], column: str, value: Any) -> Any:
    """Return a value in the form that its column gives it; raises ValueError, ValidationError."""
    if column not in model.cached.lookups:
        raise ValueError(f"{model._meta.label} is not looked up by {column!r}: name it in Cached(lookups=…).")
    field: Any = model._meta.get_field(column)
    return field.to_python(value)


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
    row = read_rows(lookup.model, [pointer.pk]).row(pointer.pk)
    return pointer, row if is_believed(lookup, pointer, row) else None
