"""Rows of many owners by one query, where each owner has a sorted and limited part of its own."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connections, models

from ..connections.limits import chunks

OWNERS_OF_A_QUERY = 100
Owner = TypeVar("Owner")


def rows_of_each(
    owners: Sequence[Owner], rows: Callable[[Owner], Any], *, column: "models.Field[Any, Any]", using: str
) -> Iterator[tuple[Owner, list[Sequence[Any]]]]:
    """Yield owners with their rows, the greatest first; those of OWNERS_OF_A_QUERY owners are read at once.

    `rows(owner)` returns a QuerySet of tuples, limited to the greatest of an owner. In its SQL only the value of the
    owner may differ, which is one of `column`.
    """
    for at in range(0, len(owners), OWNERS_OF_A_QUERY):
        some = owners[at : at + OWNERS_OF_A_QUERY]
        if len(some) == 1:
            yield some[0], sorted(rows(some[0]), reverse=True)
        else:
            yield from _together(some, rows, column, using)


def _together(
    owners: Sequence[Owner], rows: Callable[[Owner], Any], column: "models.Field[Any, Any]", using: str
) -> Iterator[tuple[Owner, list[Sequence[Any]]]]:
    # Django has no union of sorted and limited parts for every database, so its SQL for one owner is repeated.
    try:
        (sql, first), (_, second) = (rows(owner).query.get_compiler(using).as_sql() for owner in owners[:2])
    except EmptyResultSet:  # a condition that nothing meets
        yield from ((owner, []) for owner in owners)
        return
    connection = connections[using]
    of_owner = [one != other for one, other in zip(first, second, strict=True)]
    for some in chunks(using, owners, parameters_each=len(first)):
        parts = (f"SELECT {n} AS part, mine.* FROM ({sql}) AS mine" for n in range(len(some)))  # noqa: S608
        values = [column.get_db_prep_value(owner, connection) for owner in some]
        parameters = [value if mine else p for value in values for mine, p in zip(of_owner, first, strict=True)]
        found: list[list[Sequence[Any]]] = [[] for _ in some]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts), parameters)
            for number, *row in sorted(cursor.fetchall(), reverse=True):
                found[number].append(row)
        yield from zip(some, found, strict=True)
