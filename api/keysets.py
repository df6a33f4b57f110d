"""Pages of rows by their ids, newest first: each is a short range of one index, however deep.

The cursor is the id of a row, so rows inserted meanwhile are neither skipped nor repeated.
"""

from typing import Any, NamedTuple

from django.db import connections, models, router

from api.cursors import Cursor


class Page(NamedTuple):
    """`items` are the members' values; `after` and `before` the keys from which the neighbouring pages start, None
    where there is none."""

    items: list[int]
    after: tuple[int] | None
    before: tuple[int] | None


class Keyset(NamedTuple):
    """The rows of one owner: the column whose values make the page, and the index on (owner, …, id) that gives them in
    order. `only` is SQL that pins what the index has between the two."""

    model: type[models.Model]
    owner: str
    member: str
    index: str
    only: str = ""

    def page(
        self, owner_id: int, cursor: Cursor | None, *, size: int, is_shown: str = "1", window: int | None = None
    ) -> Page:
        """One SQL query; of a `window` wider than the page, the rows that `is_shown` (SQL on `edge`) admits make it."""
        backwards = cursor is not None and cursor.backwards
        window = window or size + 1
        rows = self._read(owner_id, cursor, is_shown, window)
        hits = [(row_id, member) for row_id, member, shown in rows if shown]
        shown, items = hits[:size], [member for _, member in hits[:size]]
        onward = (shown[-1][0],) if len(hits) > size else (rows[-1][0],) if len(rows) >= window else None
        if backwards:
            return Page(items[::-1], after=_back(shown, cursor), before=onward)
        return Page(items, after=onward, before=_back(shown, cursor))

    # SQL: spelled out because the index has to be named. Left to itself, MariaDB 10.11 finds the owner's rows by the
    # index but walks over all newer ones down to the cursor, where most of the table is the owner's: a page would cost
    # its depth.
    def _read(self, owner_id: int, cursor: Cursor | None, is_shown: str, window: int) -> list[tuple[Any, ...]]:
        """(id, member, whether it is shown) in the direction of the cursor."""
        beyond, order = (">", "ASC") if cursor is not None and cursor.backwards else ("<", "DESC")
        start, args = ("", [owner_id]) if cursor is None else (f"AND edge.id {beyond} %s", [owner_id, cursor.key[0]])
        connection = connections[router.db_for_read(self.model)]
        named = {"mysql": f"FORCE INDEX ({self.index})", "sqlite": f"INDEXED BY {self.index}"}
        with connection.cursor() as database:
            database.execute(
                f"SELECT edge.id, edge.{self.member}, {is_shown} FROM {self.model._meta.db_table} AS edge "
                f"{named.get(connection.vendor, '')} WHERE edge.{self.owner} = %s {self.only} {start} "
                f"ORDER BY edge.id {order} LIMIT {window}",
                args,
            )
            return database.fetchall()


def _back(shown: list[tuple[int, int]], cursor: Cursor | None) -> tuple[int] | None:
    """Where the page began; of an empty one just beside its cursor, so that the row there is not passed over."""
    if cursor is None:
        return None
    return (shown[0][0],) if shown else (cursor.key[0] + (1 if cursor.backwards else -1),)
