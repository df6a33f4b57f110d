"""Deletion of many rows of one model by primary key: a few statements for any number of rows.

What is derived from the rows is held, and told at the commit, as after a deletion through the model.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from django.db import connections

from ..conf import conf
from ..registry import declarations_of
from . import bulk_signals
from .declarations import Touched
from .deletion import locked_rows
from .transactions import atomic_write

# For many ids of a short table, "IN (…)" reads all of it, whatever index is named, and waits for every row there that a
# writer has locked. A join in a given order looks each id up.
_EACH_BY_KEY = "JSON_TABLE(%s, '$[*]' COLUMNS (pk BIGINT PATH '$')) AS wanted STRAIGHT_JOIN {} ON {}.{} = wanted.pk"


def delete_rows(model: Any, pks: Collection[int], using: str) -> int:
    """Delete rows by integer primary keys, in one transaction; return how many there were.

    For rows that no row of another table refers to, and of which nobody follows Django's signals of deletions: none are
    sent. The rows are locked in the order of their keys.
    """
    with atomic_write(using):
        rows = lock_rows(model, pks, using)
        found = [row.pk for row in rows]
        if not found:
            return 0
        declarations = declarations_of(model) if conf().enabled else []
        touched = Touched()
        for declaration in declarations:
            touched.add(declaration, declaration.keys_of_pks(found, using))
            for row in rows:
                touched.add(declaration, declaration.keys_of(row, using, ()))
        touched.hold(using)
        bulk_signals.deleting.send(model, pks=found, using=using)
        _delete(model, found, using)
        for declaration in declarations:
            for row in rows:
                declaration.note_deleted(using, row)
    return len(found)


def lock_rows(model: Any, pks: Collection[int], using: str) -> list[Any]:
    """Lock rows by integer primary keys, in the order of the keys; return instances with the columns that entries
    depend on."""
    if connections[using].vendor != "mysql":
        return list(locked_rows(model, sorted(pks), using))
    declarations = declarations_of(model) if conf().enabled else []
    names = {model._meta.pk.name, *(name for declaration in declarations for name in declaration.columns())}
    columns = ", ".join(f"{_table(model)}.{model._meta.get_field(name).column}" for name in names)
    statement = f"SELECT {columns} FROM {_each_by_key(model)} FOR UPDATE"
    return list(model._base_manager.using(using).raw(statement, [json.dumps(sorted(pks))]))


def _delete(model: Any, pks: Sequence[int], using: str) -> None:
    with connections[using].cursor() as cursor:
        if connections[using].vendor == "mysql":
            cursor.execute(f"DELETE {_table(model)} FROM {_each_by_key(model)}", [json.dumps(pks)])
        else:
            places = ", ".join(["%s"] * len(pks))
            cursor.execute(f"DELETE FROM {_table(model)} WHERE {model._meta.pk.column} IN ({places})", pks)


def _each_by_key(model: Any) -> str:
    return _EACH_BY_KEY.format(_table(model), _table(model), model._meta.pk.column)


def _table(model: Any) -> str:
    return str(model._meta.db_table)
