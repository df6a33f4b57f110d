"""Deletion of one edge, found by its ends: without the queries, and the Collector, that a deletion by Django takes."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from django.db import NotSupportedError, connections
from django.db.models import signals

from .declarations import Touched, heard
from .partitions import partition_of


class _Statements(NamedTuple):
    """How rows of a model are locked, read and deleted; `converters` are by the positions of columns."""

    select: str
    delete: str
    columns: list[str]
    converters: list[tuple[int, Any, Any]]
    owner: str


def delete_edge(using: str, model: Any, **ends: int) -> bool:
    """Delete the edge that has these values in integer columns, unique together; return whether there was one.

    In place of a QuerySet's delete(), whose signals are sent: to pre_delete with `is_locked`, because the instance is
    what the database has until the end of the transaction that this is called in. Raises NotSupportedError for a model
    of several tables, and for one that others refer to.
    """
    connection, statements = connections[using], _statements(model, using, tuple(ends))
    owner = [ends[statements.owner]] if statements.owner else []
    row = _locked(connection, model, statements, [*ends.values(), *owner])
    if row is None:
        return False
    told: dict[str, Any] = {"sender": model, "instance": row, "using": using, "origin": row}
    _hold(using, model, row)
    signals.pre_delete.send(**told, is_locked=True)
    with connection.cursor() as cursor:
        cursor.execute(statements.delete, [row.pk, *owner])
    signals.post_delete.send(**told)
    for _, declaration in heard(model):
        declaration.note_deleted(using, row)
    row.pk = None
    return True


def _locked(connection: Any, model: Any, statements: _Statements, values: list[int]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statements.select, values)
        found = cursor.fetchone()
    if found is None:
        return None
    row = list(found)
    for at, convert, column in statements.converters:
        row[at] = convert(row[at], column, connection)
    return model.from_db(connection.alias, statements.columns, row)


def _hold(using: str, model: Any, row: Any) -> None:
    touched = Touched()
    for _, declaration in heard(model):
        touched.add(declaration, declaration.keys_of_pks([row.pk], using))
        touched.add(declaration, declaration.keys_of(row, using, ()))
    touched.hold(using)


@cache
def _statements(model: Any, using: str, ends: tuple[str, ...]) -> _Statements:
    meta, connection = model._meta, connections[using]
    if (
        meta.parents
        or meta.private_fields
        or any(_refers_to_it(field) for field in meta.get_fields(include_hidden=True))
    ):
        raise NotSupportedError(f"{meta.label} is no edge of one table that nothing refers to: use its delete().")
    quote = connection.ops.quote_name
    table, pk, owner = quote(meta.db_table), quote(meta.pk.column), partition_of(model)
    columns = ", ".join(quote(field.column) for field in meta.concrete_fields)
    found = " AND ".join(f"{quote(meta.get_field(end).column)} = %s" for end in ends)
    of_owner = f" AND {quote(meta.get_field(owner).column)} = %s" if owner else ""
    # The row is found without a lock, and locked by its primary key: who deletes one by its key locks its place in the
    # index of its ends after that, and the two would wait for each other.
    select = f"SELECT {columns} FROM {table} WHERE {pk} IN (SELECT {pk} FROM {table} WHERE {found}){of_owner}"
    is_mysql = connection.vendor == "mysql"
    begin = f"DELETE {table} FROM {table} FORCE INDEX (PRIMARY)" if is_mysql else f"DELETE FROM {table}"
    return _Statements(
        select + (" FOR UPDATE" if connection.features.has_select_for_update else ""),
        f"{begin} WHERE {pk} = %s{of_owner}",
        [field.attname for field in meta.concrete_fields],
        list(_converters(model, connection)),
        owner,
    )


def _refers_to_it(field: Any) -> bool:
    return bool(field.auto_created and not field.concrete and (field.one_to_one or field.one_to_many))


def _converters(model: Any, connection: Any) -> Iterator[tuple[int, Any, Any]]:
    """Yield the conversions of what the database gives, in order: those of Django's queries."""
    for at, field in enumerate(model._meta.concrete_fields):
        column = field.get_col(model._meta.db_table)
        for convert in (*connection.ops.get_db_converters(column), *field.get_db_converters(connection)):
            yield at, convert, column
