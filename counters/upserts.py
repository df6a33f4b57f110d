"""Upserts: insert rows or merge them into existing ones, in one statement; the order of commits does not matter.

Values are written out without objects of a model, which cost as much as the database.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models

SQLITE_ROWS = 500  # in a statement: SQLite's parser takes 5 KB for each, which the process would keep
# SQL by kind of merge: the value of a column in an existing row, from its old value and the new one.
_MERGES = {
    "add": "{old} + {new}",
    "latest": "CASE WHEN {new} IS NULL OR {old} > {new} THEN {old} ELSE {new} END",
    "with": "CASE WHEN {guard_new} IS NULL OR {guard_old} > {guard_new} THEN {old} ELSE {new} END",
}

_PLAIN = (int, str, type(None))  # as every driver takes them


def upsert(
    using: str, model: type[models.Model], key: Sequence[str], merges: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows, merging each into the row with the same unique `key` if there is one.

    `rows` have the columns of `key`, then those of `merges` in its order. They must be sorted by the key, so that
    concurrent writers of the same rows wait for each other instead of deadlocking. Rows with the same key are merged in
    turn.

    `merges`: by column, "add", "latest" (the greater value; None is the least), or "with:column" (the new value if the
    named "latest" column takes its new value).
    """
    connection: Any = connections[using]
    table, is_mysql = model._meta.db_table, connection.vendor == "mysql"
    sets = ", ".join(f"{column} = {_merged(column, merge, table, is_mysql)}" for column, merge in merges.items())
    on_conflict = "ON DUPLICATE KEY UPDATE" if is_mysql else f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET"
    insert_rows(using, model, (*key, *merges), rows, f" {on_conflict} {sets}")


def insert_rows(
    using: str, model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]], end: str = ""
) -> None:
    """Insert rows by a statement that ends with `end`; `columns` name those of the table, which has their fields.

    No signals are sent, nothing cached is held: for tables that are not.
    """
    if not rows:
        return
    connection: Any = connections[using]
    if connection.vendor == "sqlite" and len(rows) > SQLITE_ROWS:
        insert_rows(using, model, columns, rows[:SQLITE_ROWS], end)
        insert_rows(using, model, columns, rows[SQLITE_ROWS:], end)
        return
    placeholders = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(rows))
    fields: list[Any] = [model._meta.get_field(column) for column in columns]
    values = [
        value if type(value) in _PLAIN else field.get_db_prep_value(value, connection)
        for row in rows
        for field, value in zip(fields, row, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES {placeholders}{end}", values)


def _merged(column: str, merge: str, table: str, is_mysql: bool) -> str:
    kind, _, guard = merge.partition(":")

    def new(name: str) -> str:
        return f"VALUES({name})" if is_mysql else f"excluded.{name}"

    return _MERGES[kind].format(
        old=f"{table}.{column}", new=new(column), guard_old=f"{table}.{guard}", guard_new=new(guard)
    )
