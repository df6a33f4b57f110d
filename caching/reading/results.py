"""Rows asked of a batch, in the shapes in which callers want them."""

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldError
from msgspec.structs import astuple

from ..cacheable import Cacheable
from ..entries.rows import Rows, rows_of
from ..entries.source import Found, Result
from ..protocol.codec import projection

M = TypeVar("M")


class RowsResult(Result[None], Generic[M]):
    """Rows asked of a batch by primary key; readable once the batch has run."""

    source: Rows
    _rows: Sequence[Any] = ()
    _by_pk: dict[Any, Any] | None = None

    def __init__(self, source: Rows, asked: tuple[str, Any, list[Any]]) -> None:
        """`asked`: what the keys begin with, the model, which may be a proxy, and the primary keys."""
        self.source, self.asked = source, asked
        prefix, self._model, pks = asked
        ids = source.unique(pks)
        if ids is None:
            self.identities = source.by_key(pks, prefix)
            self.ids = [*self.identities.values()]
        else:
            self.prefix, self.ids = prefix, ids

    def resolve(self, values: Sequence[Any]) -> None:
        self._rows, self._by_pk = values, None

    def keep(self, admits: Callable[[Any], bool]) -> None:
        """Take rows that are not admitted for missing ones."""
        rows = self._rows
        if not all(map(admits, filter(None, rows))):
            self.resolve([row if row is not None and admits(row) else None for row in rows])

    def rows(self) -> Found[Any]:
        """Return the rows as immutable structs of their cached columns."""
        return self._found(list)

    def cols(self, *columns: str) -> Found[dict[str, Any]]:
        """Return dicts of the named columns, or of all cached ones; raises FieldError for one that is not cached."""
        names = columns_of(self._model, columns)
        read = operator.attrgetter(*names) if len(names) > 1 else lambda row: (getattr(row, names[0]),)
        return self._found(lambda rows: [dict(zip(names, read(row), strict=True)) for row in rows])

    def structs(self, *columns: str) -> Found[Any]:
        """Return read-only structs of columns, which msgspec writes as JSON objects: a quarter of the cost of dicts."""
        return self._found(projection(columns_of(self._model, columns)))

    def instances(self) -> Found[M]:
        """Return model instances; columns that are never cached are deferred."""
        model, source = self._model, self.source
        return self._found(lambda rows: [instance_of(model, row, source) for row in rows])

    def row(self, pk: Any) -> Any:
        """Return a row as an immutable struct of its cached columns, or None."""
        if self._by_pk is None:
            self._by_pk = dict(zip(self.ids, self._rows, strict=True))
        return self._by_pk[self.source.identity(pk)]

    def only_row(self) -> Any:
        """Return the row of a one-key request; None if absent."""
        (row,) = self._rows
        return row

    def instance(self, pk: Any) -> M | None:
        """Return the model instance of a row, or None."""
        row = self.row(pk)
        return None if row is None else instance_of(self._model, row, self.source)

    def _found(self, shape: Callable[[Sequence[Any]], list[Any]]) -> Found[Any]:
        rows = self._rows
        if all(rows):  # a struct is true, and asked faster than `None not in rows` compares it
            return Found(shape(rows), [])
        existing = [row for row in rows if row is not None]
        missing = [pk for pk, row in zip(self.ids, rows, strict=True) if row is None]
        return Found(shape(existing), missing)


def instance_of(model: Any, row: Any, source: Rows) -> Any:
    """Return an instance of a row of `source`, marked: saving all of it could undo a newer write."""
    instance = model.from_db(source.using, source.codec.columns, astuple(row))
    instance.is_from_cache = True
    return instance


@lru_cache(maxsize=256)
def columns_of(model: type[Cacheable], columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the named columns, or all that are cached; raises FieldError for one that is not."""
    check_columns(model, columns)
    return columns or rows_of(model).codec.columns


def check_columns(model: Any, columns: Iterable[str]) -> None:
    """Raise FieldError for a column that is not cached."""
    unknown = [column for column in columns if column not in rows_of(model).codec.columns]
    if unknown:
        raise FieldError(
            f"{model._meta.label} does not cache {', '.join(map(repr, unknown))}: "
            f"cached are {', '.join(rows_of(model).codec.columns)}."
        )
