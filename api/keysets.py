"""Keyset pagination by id, newest first: a page is a short range of one index, however deep in the list.

The cursor is the id of a row, so rows inserted between two requests are neither skipped nor repeated.
"""

from typing import Any, NamedTuple

from django.db import connections, models, router

from api.cursors import PAGE, Cursor, Page, Paging


class Keyset(NamedTuple):
    """The rows of a model that have one owner, as a paged list of their `member` column.

    `index_name` is the index on (owner, …, id) to read; `only` is SQL for the columns between the two. `is_listed` is
    SQL on `edge` that tells whether a row belongs to the list: with it, a page reads at most `window` rows, more than
    api.cursors.MOST.
    """

    model: type[models.Model]
    owner: str
    member: str
    index_name: str
    size: int = PAGE
    only: str = ""
    is_listed: str = "1"
    window: int | None = None

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
        onward = (listed[-1][0],) if len(hits) > self.size else (rows[-1][0],) if len(rows) >= window else None
        if backwards:
            return Page(ids[::-1], after=_back(listed, cursor), before=onward)
        return Page(ids, after=onward, before=_back(listed, cursor))

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


def _back(listed: list[tuple[int, int]], cursor: Cursor | None) -> tuple[int] | None:
    """Return the key at which the page began; for an empty page the key beside its cursor, whose row is not skipped."""
    if cursor is None:
        return None
    return (listed[0][0],) if listed else (cursor.key[0] + (1 if cursor.backwards else -1),)
