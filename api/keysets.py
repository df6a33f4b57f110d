"""Keyset pagination by id, newest first: a page is a short range of one index, however deep in the list.

The cursor is the id of a row, so rows inserted between two requests are neither skipped nor repeated.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

from django.db import connections, models, router

from api.cursors import PAGE, Cursor, Page, Paging
from caching.api import Batch, EdgeList, IdList

OWNERS_OF_A_QUERY = 100


class Keyset(NamedTuple):
    """The rows of a model that have one owner, as a paged list of their `member` column.

    `index_name` is the index on (owner, …, id) to read; `only` is SQL for the columns between the two. `is_listed` is
    SQL on `edge` that tells whether a row belongs to the list: with it, a page reads at most `window` rows, more than
    api.cursors.MOST. `newest` has the same rows in the cache, at least one more than a page of `size`.
    """

    model: type[models.Model]
    owner: str
    member: str
    index_name: str
    size: int = PAGE
    only: str = ""
    is_listed: str = "1"
    window: int | None = None
    newest: IdList | None = None

    def request(self, batch: Batch, owner_id: int, paging: Paging) -> "RequestedPage":
        """Return the page that a request asks for, to be read once the batch has run."""
        return RequestedPage(self, batch, owner_id, paging)

    def page_for(self, owner_id: int, paging: Paging) -> Page:
        """Return the page of members that a request asks for, by one SQL query."""
        return self._replace(size=paging.limit).page(owner_id, paging.cursor)

    def page(self, owner_id: int, cursor: Cursor | None) -> Page:
        """Return a page of members, by one SQL query."""
        backwards = cursor is not None and cursor.backwards
        window = self.window or self.size + 1
        rows = self._read(owner_id, cursor, window)
        hits = [(row_id, member) for row_id, member, is_listed in rows if is_listed]
        listed, ids = hits[: self.size], [member for _, member in hits[: self.size]]
        row_ids = [row_id for row_id, _ in listed]
        onward = (listed[-1][0],) if len(hits) > self.size else (rows[-1][0],) if len(rows) >= window else None
        behind = back(listed[0][0] if listed else None, cursor)
        if backwards:
            return Page(ids[::-1], behind, onward, row_ids[::-1])
        return Page(ids, onward, behind, row_ids)

    def of_each(self, starts: Mapping[int, int], size: int, *, upwards: bool) -> dict[int, int]:
        """Return owners by row id, of the `size` rows next to an id of each owner: `starts` has the ids by owner.

        Takes one SQL query for up to OWNERS_OF_A_QUERY owners.
        """
        columns = f"edge.id AS id, edge.{self.owner} AS owner"
        part = f"SELECT part.id, part.owner FROM ({self._sql(columns, size, upwards=upwards)}) AS part"
        found: dict[int, int] = {}
        rest = iter(starts.items())
        while some := [*islice(rest, OWNERS_OF_A_QUERY)]:
            found.update(self._run(" UNION ALL ".join([part] * len(some)), [*chain.from_iterable(some)]))
        return found

    def _read(self, owner_id: int, cursor: Cursor | None, window: int) -> list[tuple[Any, ...]]:
        """Return up to `window` rows of (id, member, whether it is listed) in the direction of the cursor."""
        columns = f"edge.id, edge.{self.member}, {self.is_listed}"
        if cursor is None:
            return self._run(self._sql(columns, window), [owner_id])
        return self._run(self._sql(columns, window, upwards=cursor.backwards), [owner_id, cursor.key[0]])

    # Raw SQL, because the index has to be named. Otherwise MariaDB 10.11 finds the owner's rows by the index but reads
    # all newer rows down to the cursor, where most of the table is the owner's: the cost of a page would be its depth.
    def _sql(self, columns: str, limit: int, *, upwards: bool | None = None) -> str:
        """Return the query of an owner's rows; with `upwards`, of those beyond an id, in this direction."""
        named = {"mysql": f"FORCE INDEX ({self.index_name})", "sqlite": f"INDEXED BY {self.index_name}"}
        beyond = "" if upwards is None else "AND edge.id > %s" if upwards else "AND edge.id < %s"
        return (
            f"SELECT {columns} FROM {self.model._meta.db_table} AS edge {named.get(self._connection.vendor, '')} "
            f"WHERE edge.{self.owner} = %s {self.only} {beyond} "
            f"ORDER BY edge.id {'ASC' if upwards else 'DESC'} LIMIT {limit}"
        )

    def _run(self, sql: str, arguments: list[int]) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as database:
            database.execute(sql, arguments)
            return database.fetchall()

    @property
    def _connection(self) -> Any:
        return connections[router.db_for_read(self.model)]


class RequestedPage:
    """A page of a list: from the list's newest rows in the cache if they reach, which is asked of a batch, else by SQL.

    `is_cached` tells whether page() makes no SQL.
    """

    def __init__(self, keyset: Keyset, batch: Batch, owner_id: int, paging: Paging) -> None:
        self._keyset, self._owner_id, self._paging = keyset, owner_id, paging
        newest = keyset.newest
        self._newest = None
        if newest is not None and paging.cursor is None and paging.limit < newest.newest:
            self._newest = batch.add(newest.of(owner_id))
        self.is_cached = self._newest is not None

    def page(self) -> Page:
        """Return the page, once the batch has run."""
        if self._newest is None:
            return self._keyset.page_for(self._owner_id, self._paging)
        newest: Sequence[Any] = self._newest.result
        listed = newest[: self._paging.limit]
        members = row_ids = listed
        if isinstance(self._keyset.newest, EdgeList):
            row_ids, members = [row_id for row_id, _ in listed], [member for _, member in listed]
        after = (row_ids[-1],) if len(newest) > len(listed) else None
        return Page([*members], after, None, row_ids)


def back(first: int | None, cursor: Cursor | None) -> tuple[int] | None:
    """Return the key at which a page began; for an empty page the key beside its cursor, whose row is not skipped."""
    if cursor is None:
        return None
    return (cursor.key[0] + (1 if cursor.backwards else -1),) if first is None else (first,)
