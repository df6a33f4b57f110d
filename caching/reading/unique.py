"""Finding a row by a unique column."""

from typing import Any

from django.db import models

from ..entries.lookup import Lookup, Pointer, lookup_columns
from ..entries.rows import rows_of
from ..entries.source import Result
from ..faults import field_of
from .batch import Batch, read_rows
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


class UniqueRow:
    """The row with a value in a unique column, asked of a batch: the pointer in that batch, the row in the next one."""

    def __init__(self, batch: Batch, model: Any, column: str, value: Any, using: str | None = None) -> None:
        """For `using`, and what is raised, see `find`."""
        self._lookup, self._value = looked_up(model, column, value, using)
        self._pointer: Result[Pointer | None] | None = None
        self._rows: Any = None
        if self._value is not None:
            self._pointer = batch.add(pointer_to(self._lookup, self._value))

    def next_batch(self) -> Batch | None:
        """Return the batch that reads the row, once the first one has run; None if there is none to read."""
        pointer = self._target()
        if pointer is None or self._lookup.row is not None or self._rows is not None:
            return None
        batch = Batch()
        self._rows = batch.rows(self._lookup.model, [pointer.pk], self._lookup.using)
        return batch

    @property
    def is_known(self) -> bool:
        """Whether row() needs nothing but what the batches have read."""
        pointer = self._target()
        return pointer is None or self._found(pointer) is not None

    def row(self) -> Any:
        """Return the row, or None; blocks if the row has lost the value meanwhile."""
        pointer = self._target()
        return pointer and (self._found(pointer) or self.find())

    def find(self) -> Any:
        """Return the row, or None, in round trips of its own, which block."""
        return find(self._lookup.model, self._lookup.column, self._value, self._lookup.using)

    def _target(self) -> Pointer | None:
        return None if self._pointer is None else self._pointer.result

    def _found(self, pointer: Pointer) -> Any:
        if self._lookup.row is not None:  # by the query that has found the pointer
            return self._lookup.row
        row = self._rows.only_row()
        return row if is_believed(self._lookup, pointer, row) else None


def _follow(lookup: Lookup, value: Any) -> tuple[Pointer | None, Any]:
    question = pointer_to(lookup, value)
    ReadThrough([question]).run()
    pointer = question.result
    if pointer is None or lookup.row is not None:
        return pointer, lookup.row
    row = read_rows(lookup.model, [pointer.pk], lookup.using).row(pointer.pk)
    return pointer, row if is_believed(lookup, pointer, row) else None
