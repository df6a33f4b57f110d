"""What a manager's verbs may answer: the rows that its get_queryset() admits, be it of a relation or a filter."""

import datetime
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, NoReturn

from django.db import NotSupportedError, router
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, IsNull
from django.db.models.sql.where import AND, NothingNode, WhereNode

from ..databases import database_of, is_namesake, primary_of
from ..entries.rows import rows_of

COMPARABLE = {bool, int, uuid.UUID, datetime.date}
"""Types of values that are equal in Python exactly if they are equal in the database."""

Admits = Callable[[Any], bool]
"""Says of a cached row whether it is in a scope."""


class Scope(NamedTuple):
    """The database to ask (None: the one that the router names now), and which rows of it to answer (None: all)."""

    using: str | None = None
    admits: Admits | None = None


EVERYTHING = Scope()


def scope_of(manager: Any) -> Scope:
    """Return the scope of a manager; raises NotSupportedError where a cached row cannot tell whether it is in it."""
    queryset = manager.get_queryset().all()
    using = _database_of(manager, queryset)
    columns = frozenset(rows_of(manager.model, using).codec.columns)
    query = queryset.query
    joined = [table for table in query.alias_map if query.alias_refcount[table]]
    if len(joined) > 1 or query.is_sliced or query.combinator or query.distinct or query.extra_tables:
        _refuse(manager)
    tests = list(_tests(manager, query.where, columns))
    return Scope(using, partial(_passes, tests) if tests else None)


def database_beside(model: Any, instance: Any) -> str:
    """Return the database of a model's rows that are related to an instance."""
    usual = database_of(model)
    using = primary_of(router.db_for_write(model, instance=instance))
    is_replica = not router.routers and is_namesake(using, usual)  # from which the instance was read
    return usual if is_replica else using


def _database_of(manager: Any, queryset: Any) -> str | None:
    if alias := manager._db:
        return primary_of(alias)
    if (owner := getattr(manager, "instance", None)) is not None:
        return database_beside(manager.model, owner)
    return queryset._db and primary_of(queryset._db)


def _tests(manager: Any, where: WhereNode, columns: frozenset[str]) -> Iterator[Admits]:
    if where.negated or (where.connector != AND and len(where.children) > 1):
        _refuse(manager)
    for child in where.children:
        if isinstance(child, WhereNode):
            yield from _tests(manager, child, columns)
        else:
            yield _test(child, columns) or _refuse(manager)


def _test(condition: Any, columns: frozenset[str]) -> Admits | None:
    """Return a function that tells whether a cached row fulfils a condition; None if that cannot be told."""
    if isinstance(condition, NothingNode):
        return lambda row: False
    column = condition.lhs.target.attname if isinstance(getattr(condition, "lhs", None), Col) else None
    if column not in columns:
        return None
    if isinstance(condition, IsNull):
        return lambda row: (getattr(row, column) is None) == condition.rhs
    if isinstance(condition, Exact) and type(condition.rhs) in COMPARABLE:
        return lambda row: bool(getattr(row, column) == condition.rhs)
    return None


def _passes(tests: list[Admits], row: Any) -> bool:
    return all(test(row) for test in tests)


def _refuse(manager: Any) -> NoReturn:
    name = manager.name or type(manager).__name__
    raise NotSupportedError(
        f"The manager {name!r} of {manager.model._meta.label} admits only some rows, by what a cached row does not "
        "tell (that takes plain comparisons of its own cached numbers, booleans, UUIDs, dates or nulls): read by get() "
        "and filter(), or by a manager that does not filter."
    )
