"""Keyset pagination by id, newest first: a page is a short range of one index, however deep in the list.

The cursor is the id of a row, so rows inserted between two requests are neither skipped nor repeated.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connections, models, router

from api.cursors import PAGE, Cursor, Page, Paging
from caching.api import Batch, EdgeList, IdList


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
        if backwards:
            return Page(ids[::-1], _back(listed, cursor), onward, row_ids[::-1])
        return Page(ids, onward, _back(listed, cursor), row_ids)

    # Raw SQL, because the index has to be named. Otherwise MariaDB 10.11 finds the owner's rows by the index but reads
    # all newer rows down to the cursor, where most of the table is the owner's: the cost of a page would be its depth.
    def _read(self, owner_id: int, cursor: Cursor | None, window: int) -> list[tuple[Any, ...]]:
        """Return up to `window` rows of (id, member, whether it is listed) in the direction of the cursor."""
        beyond, order = (">", "ASC") if cursor is not None and cursor.backwards else ("<", "DESC")
        start, args = ("", [owner_id]) if cursor is None else (f"AND edge.id {beyond} %s", [owner_id, cursor.key[0]])
        connection = connections[router.db_for_read(self.model)]
        named = {"mysql": f"FORCE INDEX ({self.index_name})", "sqlite": f"INDEXED BY {self.index_name}"}
        with connection.cursor() as database:
            database.execute(
                f"SELECT edge.id, edge.{self.member}, {self.is_listed} FROM {self.model._meta.db_table} AS edge "
                f"{named.get(connection.vendor, '')} WHERE edge.{self.owner} = %s {self.only} {start} "
                f"ORDER BY edge.id {order} LIMIT {window}",
                args,
            )
            return database.fetchall()


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


def _back(listed: list[tuple[int, int]], cursor: Cursor | None) -> tuple[int] | None:
    """Return the key at which the page began; for an empty page the key beside its cursor, whose row is not skipped."""
    if cursor is None:
        return None
    return (listed[0][0],) if listed else (cursor.key[0] + (1 if cursor.backwards else -1),)
