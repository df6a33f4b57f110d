"""Deletions and updates of many rows of one model by primary key: a few statements for any number of rows.

What is derived from the rows is held, and told at the commit, as after a write through the model.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.db import connections

from ..conf import conf
from ..registry import Declaration, declarations_of
from . import bulk_signals
from .declarations import Touched
from .deletion import locked_rows
from .transactions import atomic_write

# For many ids of a short table, "IN (…)" reads all of it, whatever index is named, and waits for every row there that a
# writer has locked: a deadlock, if that one waits for a row that is locked here. A join in a given order looks each up.
_WANTED = "JSON_TABLE(%s, '$[*]' COLUMNS (pk BIGINT PATH '$')) AS wanted"


def delete_rows(model: Any, pks: Collection[int], using: str, **owner: int) -> int:
    """Delete rows by integer primary keys, in one transaction; return how many there were.

    For rows that no row of another table refers to, and of which nobody follows Django's signals of deletions: none are
    sent. The rows are locked in the order of their keys. `owner` is the value of a column in all of them, by which the
    table may be partitioned, such as `user_id=7`.
    """
    with atomic_write(using):
        rows = lock_rows(model, pks, using, **owner)
        if not (found := [row.pk for row in rows]):
            return 0
        _touched(model, rows, using).hold(using)
        bulk_signals.deleting.send(model, pks=found, owner=owner, using=using)
        table = _table(model)
        _run(model, found, using, f"DELETE {table} FROM {{}}", f"DELETE FROM {table}", owner=owner)
        for declaration in _declarations(model):
            for row in rows:
                declaration.note_deleted(using, row)
    return len(found)


def update_rows(model: Any, pks: Collection[int], using: str, **changes: Any) -> int:
    """Set columns, by attribute names, of rows by integer primary keys, in one transaction; return how many there were.

    For columns by which nothing is found: each row stays with the entries that it belongs to. Django sends no signals
    of updates. The rows are locked in the order of their keys.
    """
    with atomic_write(using):
        rows = lock_rows(model, pks, using)
        if not (found := [row.pk for row in rows]):
            return 0
        touched = _touched(model, rows, using)
        touched.hold(using, drop=touched.kept)
        announced = {"pks": found, "columns": set(changes), "using": using}
        bulk_signals.updating.send(model, **announced)
        fields = {model._meta.get_field(name): value for name, value in changes.items()}
        values = [field.get_db_prep_save(value, connections[using]) for field, value in fields.items()]
        sets = ", ".join(f"{field.column} = %s" for field in fields)
        _run(model, found, using, f"UPDATE {{}} SET {sets}", f"UPDATE {_table(model)} SET {sets}", values)
        bulk_signals.updated.send(model, **announced)
    return len(found)


def lock_rows(model: Any, pks: Collection[int], using: str, **owner: int) -> list[Any]:
    """Lock rows by integer primary keys, in the order of the keys; return instances with the columns that entries
    depend on. For `owner` see delete_rows()."""
    if connections[using].vendor != "mysql":
        return list(locked_rows(model, sorted(pks), using, **owner))
    names = {model._meta.pk.name, *(name for declaration in _declarations(model) for name in declaration.columns())}
    columns = ", ".join(f"{_table(model)}.{model._meta.get_field(name).column}" for name in names)
    statement = f"SELECT {columns} FROM {_joined(model, owner)} FOR UPDATE"
    return list(model._base_manager.using(using).raw(statement, [json.dumps(sorted(pks)), *owner.values()]))


def _declarations(model: Any) -> list[Declaration]:
    return declarations_of(model) if conf().enabled else []


def _touched(model: Any, rows: Sequence[Any], using: str) -> Touched:
    touched, pks = Touched(), [row.pk for row in rows]
    for declaration in _declarations(model):
        touched.add(declaration, declaration.keys_of_pks(pks, using))
        for row in rows:
            touched.add(declaration, declaration.keys_of(row, using, ()))
    return touched


def _run(
    model: Any,
    pks: Sequence[int],
    using: str,
    joined: str,
    plain: str,
    values: Sequence[Any] = (),
    owner: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Run a statement on the rows: `joined` to their keys where the database does so, else by a condition."""
    with connections[using].cursor() as cursor:
        if connections[using].vendor == "mysql":
            cursor.execute(joined.format(_joined(model, owner)), [json.dumps(pks), *owner.values(), *values])
        else:
            places = ", ".join(["%s"] * len(pks))
            cursor.execute(f"{plain} WHERE {model._meta.pk.column} IN ({places})", [*values, *pks])


def _joined(model: Any, owner: Iterable[str]) -> str:
    """Return the join of the keys with their rows: by the primary key, although an index may begin with the owner."""
    table = _table(model)
    partition = "".join(f" AND {table}.{name} = %s" for name in owner)
    key = f"{table}.{model._meta.pk.column}"
    return f"{_WANTED} STRAIGHT_JOIN {table} FORCE INDEX (PRIMARY) ON {key} = wanted.pk{partition}"


def _table(model: Any) -> str:
    return str(model._meta.db_table)
