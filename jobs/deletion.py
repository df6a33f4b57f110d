"""Deletion of more rows than one transaction may delete.

A transaction must end before its holds on cache keys expire, so rows are deleted in chunks. A row that many others
refer to is first marked as removed, which hides it from readers. The request then deletes a limited number of rows,
and `manage.py sweep_removed` deletes the rest.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from django.db import Error, OperationalError, models, router
from django.db.models import Count, Min, QuerySet

from caching.api import atomic_write, delete_rows
from jobs.registry import Waiting

CHUNK = 1_000  # rows in one transaction
AT_ONCE = 1_000  # rows that a request deletes itself
LATE_S = 900.0  # marks are behind a sweep that has millions of rows to delete
NOBODY: Mapping[str, int] = MappingProxyType({})

Sweep = Callable[[], Iterator[int]]
_sweeps: list[Sweep] = []
_waiting: list[Callable[[], Waiting]] = []
_running: dict[Sweep, Iterator[int]] = {}


def register(sweep: Sweep, waiting: Callable[[], Waiting] | None = None) -> None:
    """Register a function that deletes marked rows in short transactions and yields the number of rows of each.

    An interrupted sweep must be able to start again. `waiting` tells how much is marked, of a sweep whose work shows
    if it is not done. Call this in AppConfig.ready().
    """
    _sweeps.append(sweep)
    if waiting is not None:
        _waiting.append(waiting)


def waiting() -> Waiting:
    """Return how much is marked as removed, and since when the oldest mark is there."""
    found = [each() for each in _waiting]
    return Waiting(sum(each.number for each in found), min((each.since for each in found if each.since), default=None))


def step() -> int:
    """Run one transaction of each registered sweep, from where its last one ended; return the number of deleted rows.

    Raises the last error of the database, after all sweeps have had their turn.
    """
    rows, failure = 0, None
    for sweep in _sweeps:
        try:
            rows += _continue(sweep)
        except Error as error:
            failure = error
    if failure is not None:
        raise failure
    return rows


def _continue(sweep: Sweep) -> int:
    for running in (_running.pop(sweep, iter(())), sweep()):
        for rows in running:
            _running[sweep] = running
            return rows
    return 0


def finish() -> int:
    """Run all registered sweeps to their end; return the number of deleted rows."""
    return sum(rows for sweep in _sweeps for rows in sweep())


def in_chunks(
    rows: QuerySet[Any],
    change: Callable[[list[Any]], Any] | None = None,
    size: int | None = None,
    *,
    by: str | None = None,
    owner: Mapping[str, int] = NOBODY,
) -> Iterator[int]:
    """Delete or change all rows, at most `size` (default: CHUNK) at a time, and yield the number of rows of each chunk.

    By default the rows are deleted as caching.api.delete_rows() does. `change` gets their primary keys instead; it
    must remove the rows from `rows`, in a transaction of its own. `by` names a column of an index behind those that
    `rows` are filtered by, in which each row has another value: a chunk begins where the one before has ended, as the
    database may take long to clear away what is deleted. `owner` is a further condition on the column by which the
    table may be partitioned, such as {"user_id": 7}, which the deletions name as well.
    """
    rows = rows.filter(**owner)
    while chunk := _first(rows, by, size or CHUNK):
        while chunk:
            pks = [pk for pk, _ in chunk]
            if change is None:
                delete_rows(rows.model, pks, router.db_for_write(rows.model), **owner)
            else:
                change(pks)
            yield len(pks)
            chunk = _first(rows.filter(**{f"{by}__gt": chunk[-1][1]}), by, size or CHUNK) if by else []


def _first(rows: QuerySet[Any], by: str | None, size: int) -> list[tuple[Any, Any]]:
    return list((rows.order_by(by) if by else rows).values_list("pk", by or "pk")[:size])


class Dependents(NamedTuple):
    """Rows that refer to a marked row, and how to delete or detach a chunk of them: see in_chunks()."""

    rows: QuerySet[Any]
    change: Callable[[list[Any]], Any] | None = None
    size: int | None = None
    by: str | None = None

    def in_chunks(self) -> Iterator[int]:
        """Delete or detach the rows in chunks; yield the number of rows of each."""
        return in_chunks(self.rows, self.change, self.size, by=self.by)


class MarkedRows:
    """The rows of a model that are marked as removed, to be deleted after their dependents.

    `marks` is a queryset of rows with the marked primary keys, whose column `since` tells when they were marked;
    `dependents` returns all rows that refer to a primary key.
    """

    def __init__(
        self,
        model: type[models.Model],
        marks: QuerySet[Any],
        since: str,
        dependents: Callable[[int], Iterable[Dependents]],
    ) -> None:
        self.model, self._marks, self._since, self.dependents = model, marks, since, dependents

    def delete_some(self, pks: Iterable[int]) -> None:
        """Delete about AT_ONCE rows. The sweep deletes what is left, or refused by the database (a deadlock)."""
        left = AT_ONCE
        with contextlib.suppress(OperationalError):
            for pk in pks:
                for deleted in self.delete(pk):
                    left -= deleted
                    if left <= 0:
                        return

    def sweep(self) -> Iterator[int]:
        """Delete all marked rows; yield the number of rows that each transaction deleted."""
        while (pk := self._marks.values_list("pk", flat=True).first()) is not None:
            yield from self.delete(pk)

    def waiting(self) -> Waiting:
        """Return how many rows are marked, and when the first of them was."""
        found = self._marks.order_by().aggregate(number=Count("pk"), since=Min(self._since))
        return Waiting(found["number"], found["since"])

    def delete(self, pk: int) -> Iterator[int]:
        """Delete a marked row after its dependents; yield the number of rows that each transaction deleted."""
        gone = False
        while not gone:
            for dependents in self.dependents(pk):
                yield from dependents.in_chunks()
            gone = self._delete_alone(pk)
        yield 1

    def _delete_alone(self, pk: int) -> bool:
        """Delete the row unless another row refers to it: a cascade would hold the row's lock for too long."""
        with atomic_write(router.db_for_write(self.model)):
            row = self.model._default_manager.filter(pk=pk)
            list(row.select_for_update())  # waits for transactions that began before the row was marked
            if any(dependents.rows.exists() for dependents in self.dependents(pk)):
                return False
            row.delete()
            return True
