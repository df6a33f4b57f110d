"""Rows of the log as instances of models."""

import datetime
import uuid
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from django.db import connections

from caching.extend import logged_models

_MIDNIGHT = datetime.datetime.combine(datetime.date.min, datetime.time())
UUID_BYTES = 16
Values = Mapping[str, Any]


class Table:
    """The table of a concrete model in a database."""

    def __init__(self, model: Any, using: str) -> None:
        self.model, self._using = model, using

    def instance(self, values: Values) -> Any:
        """Return the row that the log has, {column: value}, as Django would have read it.

        Raises KeyError where the log has another table than the model.
        """
        read = [convert(values[column]) for column, convert in self._columns]
        return self.model.from_db(self._using, self._names, read)

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self.model._meta.local_concrete_fields]

    @cached_property
    def _columns(self) -> list[tuple[str, Callable[[Any], Any]]]:
        fields = self.model._meta.local_concrete_fields
        return [(field.column, _reader(field, self._using)) for field in fields]


def tables_of(using: str) -> dict[str, Table]:
    """Return the tables by name of whose rows the log of a database has to tell."""
    models = (model for model in logged_models() if model._meta.db_table)
    return {model._meta.db_table: Table(model, using) for model in models}


def _reader(field: Any, using: str) -> Callable[[Any], Any]:
    """Return the function that makes a value of the log what Django reads from the column."""
    connection, column = connections[using], field.get_col(field.model._meta.db_table)
    steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
    kind = column.output_field.get_internal_type()

    def read(value: Any) -> Any:
        # As the driver gives it: a TIME as a time of day, a native UUID as text, bytes also where there are none.
        if isinstance(value, datetime.timedelta):
            value = (_MIDNIGHT + value).time()
        elif kind == "UUIDField" and isinstance(value, bytes):
            value = str(uuid.UUID(bytes=value.ljust(UUID_BYTES, b"\0")))  # the log leaves zeros at the end out
        elif kind == "BinaryField" and isinstance(value, str):
            value = value.encode()
        for convert in steps:
            value = convert(value, column, connection)
        return value

    return read
