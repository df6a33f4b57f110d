"""Upserts: insert rows, or add to existing ones, in one statement, in whatever order several processes commit."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models

# By what is done where a row is there: SQL for a column, with the row's value and the new one.
_MERGES = {
    "add": "{old} + {new}",
    "latest": "CASE WHEN {new} IS NULL OR {old} > {new} THEN {old} ELSE {new} END",
    "with": "CASE WHEN {guard_new} IS NULL OR {guard_old} > {guard_new} THEN {old} ELSE {new} END",
}


def upsert(
    connection: Any,
    model: type[models.Model],
    key: Sequence[str],
    merges: Mapping[str, str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """`rows` have the columns of the unique `key`, then those of `merges` in its order, sorted by the key so that two
    who write the same rows wait for each other rather than deadlock.

    merges: "add", "latest" (the greater one; None is less than any), or "with:column", which goes as that one goes.
    """
    if not rows:
        return
    columns = (*key, *merges)
    table = model._meta.db_table
    place = f"({', '.join(['%s'] * len(columns))})"
    is_mysql = connection.vendor == "mysql"
    sets = ", ".join(f"{column} = {_merged(column, merge, table, is_mysql)}" for column, merge in merges.items())
    on_conflict = "ON DUPLICATE KEY UPDATE" if is_mysql else f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET"
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([place] * len(rows))} {on_conflict} {sets}"
    fields: list[Any] = [model._meta.get_field(column) for column in columns]
    values = [
        field.get_db_prep_value(value, connection) for row in rows for field, value in zip(fields, row, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _merged(column: str, merge: str, table: str, is_mysql: bool) -> str:
    kind, _, guard = merge.partition(":")

    def new(name: str) -> str:
        return f"VALUES({name})" if is_mysql else f"excluded.{name}"

    return _MERGES[kind].format(
        old=f"{table}.{column}", new=new(column), guard_old=f"{table}.{guard}", guard_new=new(guard)
    )
