"""Search of users by terms: the first page costs as much as a page behind a million users.

A page reads one range of the index on (term, user), the range of the query's most selective part, in windows of a fixed
number of rows. For each row of a window, index look-ups tell whether the user matches the other parts, and whether the
row is the user's first term in the range. So a page reads at most MOST_WINDOWS * WINDOW rows of the range, whatever the
size of the table. If matches are rarer, a page is short or empty, and still has a cursor.
"""

from typing import Any, NamedTuple

from django.db import connections, router

from api.cursors import PAGE, Cursor, Page
from api.ids import is_id
from users.models import SearchTerm, User
from users.terms import Part, Query, contains, parse
from users.usernames import BEGINNING

WINDOW = 1_000  # rows of the index for a query of several parts
PREFIX_WINDOW = 400  # for one prefix, where only further terms of a user are skipped; one exact term has none to skip
MOST_WINDOWS = 5  # windows read for one page, while they are empty
LAST = "\U0010ffff"  # sorts after every character in use


class Hit(NamedTuple):
    """A row of the index on (term, user)."""

    term: str
    user_id: int


class _Walk(NamedTuple):
    """The hits of a window, in the direction of reading; `onward` and `back` are the starts of the adjacent windows."""

    user_ids: list[int]
    onward: Hit | None
    back: Hit | None


def find(query: Query, cursor: Cursor | None, size: int = PAGE) -> Page:
    """Return a page of at most `size` user ids, by one SQL query, or up to MOST_WINDOWS if windows have no match."""
    backwards = cursor is not None and cursor.backwards
    start = None if cursor is None else Hit(*cursor.key)
    walk = _Walk([], None, None)
    for _ in range(MOST_WINDOWS if query.parts else 0):
        walk = _read(query.parts, start, size, backwards=backwards)
        start = walk.onward
        if walk.user_ids or start is None:
            break
    if backwards:
        return Page(walk.user_ids[::-1], after=walk.back, before=walk.onward)
    return Page(walk.user_ids, after=walk.onward, before=walk.back)


def _read(parts: list[Part], start: Hit | None, size: int, *, backwards: bool) -> _Walk:
    sql, args, window = statement(parts, start, backwards=backwards, size=size)
    with connections[router.db_for_read(SearchTerm)].cursor() as database:
        database.execute(sql, args)
        rows = database.fetchall()
    hits = [Hit(term, user_id) for term, user_id, is_match in rows if is_match]
    listed = hits[:size]
    onward = listed[-1] if len(hits) > size else Hit(*rows[-1][:2]) if len(rows) >= window else None
    back = listed[0] if listed and start else start
    return _Walk([hit.user_id for hit in listed], onward, back)


def ids_for_admin(text: str, limit: int = 200) -> list[int]:
    """Return up to `limit` user ids: the users that the API finds, and inactive users by id or username."""
    found: dict[int, None] = {}
    if is_id(text):
        found[int(text)] = None
    if BEGINNING.fullmatch(text):  # otherwise MariaDB would find "bob" by "bób"
        # Not LIKE, which uses no index on SQLite.
        named = User.objects.filter(username__gte=text, username__lt=text + LAST).order_by("username")
        found.update(dict.fromkeys(named.values_list("pk", flat=True)[:limit]))
    query, cursor = parse(text), None
    while len(found) < limit:
        page = find(query, cursor)
        found.update(dict.fromkeys(page.ids))
        if page.after is None:
            break
        cursor = Cursor(False, tuple(page.after))
    return list(found)[:limit]


def matches(query: Query, row: Any) -> bool:
    """Return whether a found user is still active, and whether the nickname contains the substrings.

    The terms are pairs of characters, which a nickname may have in other places than side by side.
    """
    return row.is_active and contains(row.nickname, query.substrings)


# Raw SQL, portable between SQLite, MySQL and MariaDB: the ORM cannot select from a subquery with a limit.

_TABLE = SearchTerm._meta.db_table


def statement(parts: list[Part], start: Hit | None, *, backwards: bool, size: int = PAGE) -> tuple[str, list[Any], int]:
    """Return (SQL, arguments, window) of a query for rows of (term, user id, whether the user belongs on the page)."""
    driving, *others = parts
    window = WINDOW if others else PREFIX_WINDOW if driving.prefix else size + 1
    order = "DESC" if backwards else "ASC"
    spans = _spans(driving, start, backwards=backwards)
    walk = " UNION ALL ".join(f"SELECT * FROM ({span.sql(order)}) AS span{n}" for n, span in enumerate(spans))
    condition, condition_args = _condition(driving, others)
    sql = (
        f"SELECT walk.term, walk.user_id, {condition} FROM ({walk}) AS walk "
        f"ORDER BY walk.term {order}, walk.user_id {order} LIMIT {window}"
    )
    span_args = [arg for span in spans for arg in (*span.args, window)]
    return sql, [*condition_args, *span_args], window


class _Span(NamedTuple):
    """A range of the index, in the order of the index.

    A range of one term is ordered by user alone: for "ORDER BY term, user_id", MariaDB 10.11 reads all users of the
    term and sorts them.
    """

    condition: str
    args: list[Any]
    columns: tuple[str, ...]

    def sql(self, order: str) -> str:
        ordered = ", ".join(f"{column} {order}" for column in self.columns)
        return f"SELECT term, user_id FROM {_TABLE} WHERE {self.condition} ORDER BY {ordered} LIMIT %s"


def _spans(part: Part, start: Hit | None, *, backwards: bool) -> list[_Span]:
    """Return the ranges after `start`: the rest of its term, then the further terms."""
    if start is None:
        return [_Span(*_within(part), ("term", "user_id") if part.prefix else ("user_id",))]
    beyond = "<" if backwards else ">"
    same_term = _Span(f"term = %s AND user_id {beyond} %s", [start.term, start.user_id], ("user_id",))
    if not part.prefix:
        return [same_term]
    bounds = [part.text, start.term] if backwards else [start.term, part.text + LAST]
    low = ">=" if backwards else ">"
    return [same_term, _Span(f"term {low} %s AND term < %s", bounds, ("term", "user_id"))]


def _within(part: Part, column: str = "term") -> tuple[str, list[Any]]:
    if part.prefix:
        return f"{column} >= %s AND {column} < %s", [part.text, part.text + LAST]
    return f"{column} = %s", [part.text]


def _condition(driving: Part, others: list[Part]) -> tuple[str, list[Any]]:
    """Return the condition that a row is its user's first in the range, and that the user matches the other parts."""
    tests, args = [], []
    if driving.prefix:
        tests.append(
            f"NOT EXISTS (SELECT 1 FROM {_TABLE} AS one WHERE one.user_id = walk.user_id "
            "AND one.term >= %s AND one.term < walk.term)"
        )
        args.append(driving.text)
    for part in others:
        condition, its_args = _within(part, "one.term")
        tests.append(f"EXISTS (SELECT 1 FROM {_TABLE} AS one WHERE one.user_id = walk.user_id AND {condition})")
        args.extend(its_args)
    return " AND ".join(tests) or "1", args
