"""Inserts of rows that the database itself admits: the conditions are part of the one statement that inserts."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connections
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models import signals

from ..columns import converts, type_of
from .declarations import heard
from .transactions import keep_sets


def insert_where(using: str, row: Any, source: str, values: Sequence[Any] = ()) -> bool:
    """Insert a new row if `source`, SQL from FROM on, finds a row for it, at most one; return whether it did.

    In place of queries and a save(force_insert=True), whose signals are sent: pre_save before it is known whether the
    row will be inserted, post_save if it was. For models of one table, whose primary key the database chooses; call it
    in a transaction, as what the row touches is held until its end. `values` are those of placeholders in `source`.
    """
    model = type(row)
    told: dict[str, Any] = {"sender": model, "instance": row, "raw": False, "using": using, "update_fields": None}
    signals.pre_save.send(**told)
    if (pk := _inserted(connections[using], row, source, values)) is None:
        kept = (declaration for _, declaration in heard(model) if declaration.keeps)
        keep_sets(using, [key for declaration in kept for key in declaration.keys_of(row, using)])
        return False
    row.pk, row._state.adding, row._state.db = pk, False, using
    signals.post_save.send(**told, created=True)
    return True


def _inserted(connection: Any, row: Any, source: str, values: Sequence[Any]) -> Any:
    """Insert the row; return its primary key, None if it was not admitted."""
    model: Any = type(row)
    fields, plain, begin, end = _statement(model, connection.alias)
    own = [field.pre_save(row, add=True) for field in fields]
    own = [
        value if type(value) is int and is_plain else field.get_db_prep_save(value, connection)
        for field, is_plain, value in zip(fields, plain, own, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"{begin} {source}{end}", [*own, *values])
        if not cursor.rowcount:
            return None
        return cursor.fetchone()[0] if end else cursor.lastrowid


@cache
def _statement(model: Any, using: str) -> tuple[list[Any], list[bool], str, str]:
    """Return the fields of a model but its primary key, which of them have integers that need no conversion, and the
    beginning and the end of the statement that inserts."""
    meta, connection = model._meta, connections[using]
    quote = connection.ops.quote_name
    fields = [field for field in meta.local_concrete_fields if not (field.primary_key or field.generated)]
    is_typed = type(connection.ops).adapt_integerfield_value is not BaseDatabaseOperations.adapt_integerfield_value
    plain = [type_of(field) is int and not converts(field) and not is_typed for field in fields]
    columns, places = ", ".join(quote(field.column) for field in fields), ", ".join(["%s"] * len(fields))
    end = f" RETURNING {quote(meta.pk.column)}" if connection.vendor == "postgresql" else ""
    return fields, plain, f"INSERT INTO {quote(meta.db_table)} ({columns}) SELECT {places}", end
