"""Finding users by terms: a page costs the same on the first page and a million users deep.

The page walks one range of the index on (term, user), that of the query's most selective part, in windows of a fixed
number of rows; every row of the window is asked, by index look-ups, whether its user matches the other parts too and
whether this is the user's first term in the range. So a page reads at most MOST_WINDOWS * WINDOW rows of the range,
whatever the table's size; where matches are rarer than that, a short or empty page still carries its cursor.
"""

from typing import Any, NamedTuple

from django.db import connections, router

from api.cursors import Cursor
from api.ids import is_id
from users.models import SearchTerm, User
from users.terms import Part, Query, contains, parse

PAGE = 20
WINDOW = 1_000  # rows of the index, where several parts must match
PREFIX_WINDOW = 400  # where one prefix decides, and only a user's further terms are passed over
EXACT_WINDOW = PAGE + 1  # where every row is a hit
MOST_WINDOWS = 5  # are read for one page, while they are empty
LAST = "\U0010ffff"  # sorts after every character in use


class Hit(NamedTuple):
    term: str
    user_id: int


class Page(NamedTuple):
    """`after` and `before` are the keys from which the neighbouring pages start; None where there is none."""

    user_ids: list[int]
    after: Hit | None
    before: Hit | None


class _Walk(NamedTuple):
    """One window read in either direction; `onward` and `back` are where the windows beside it start."""

    user_ids: list[int]
    onward: Hit | None
    back: Hit | None


def find(query: Query, cursor: Cursor | None) -> Page:
    """One SQL query, some more if nothing matches in the first window; none for a query without parts."""
    backwards = cursor is not None and cursor.backwards
    start = None if cursor is None else Hit(*cursor.key)
    walk = _Walk([], None, None)
    for _ in range(MOST_WINDOWS if query.parts else 0):
        walk = _read(query.parts, start, backwards=backwards)
        start = walk.onward
        if walk.user_ids or start is None:
            break
    if backwards:
        return Page(walk.user_ids[::-1], after=walk.back, before=walk.onward)
    return Page(walk.user_ids, after=walk.onward, before=walk.back)


def _read(parts: list[Part], start: Hit | None, *, backwards: bool) -> _Walk:
    sql, args, window = statement(parts, start, backwards=backwards)
    with connections[router.db_for_read(SearchTerm)].cursor() as database:
        database.execute(sql, args)
        rows = database.fetchall()
    hits = [Hit(term, user_id) for term, user_id, matches in rows if matches]
    shown = hits[:PAGE]
    onward = shown[-1] if len(hits) > PAGE else Hit(*rows[-1][:2]) if len(rows) >= window else None
    back = shown[0] if shown and start else start
    return _Walk([hit.user_id for hit in shown], onward, back)


def ids_for_staff(text: str, limit: int = 200) -> list[int]:
    """Up to `limit` users for the admin: what the API finds, and by id or username also who is deactivated."""
    found: dict[int, None] = {}
    if is_id(text):
        found[int(text)] = None
    # Not LIKE, which uses no index on SQLite.
    named = User.objects.filter(username__gte=text, username__lt=text + LAST).order_by("username")
    found.update(dict.fromkeys(named.values_list("pk", flat=True)[:limit]))
    query, cursor = parse(text), None
    while len(found) < limit:
        page = find(query, cursor)
        found.update(dict.fromkeys(page.user_ids))
        if page.after is None:
            break
        cursor = Cursor(False, tuple(page.after))
    return list(found)[:limit]


def those_that_match(query: Query, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leaves out who was deactivated this moment, and whose nickname has the pairs but not the characters in a row."""
    return [row for row in rows if row["is_active"] and contains(row["nickname"], query.substrings)]


# SQL: portable between SQLite, MySQL and MariaDB; spelled out because the ORM cannot select from a limited subquery.

_TABLE = SearchTerm._meta.db_table


def statement(parts: list[Part], start: Hit | None, *, backwards: bool) -> tuple[str, list[Any], int]:
    """(SQL, its arguments, the window): rows of (term, user id, whether the user belongs on the page)."""
    driving, *others = parts
    window = WINDOW if others else PREFIX_WINDOW if driving.prefix else EXACT_WINDOW
    order = "DESC" if backwards else "ASC"
    spans = _spans(driving, start, backwards=backwards)
    walk = " UNION ALL ".join(f"SELECT * FROM ({span.sql(order)}) AS span{n}" for n, span in enumerate(spans))
    matches, match_args = _matches(driving, others)
    sql = (
        f"SELECT walk.term, walk.user_id, {matches} FROM ({walk}) AS walk "
        f"ORDER BY walk.term {order}, walk.user_id {order} LIMIT {window}"
    )
    span_args = [arg for span in spans for arg in (*span.args, window)]
    return sql, [*match_args, *span_args], window


class _Span(NamedTuple):
    """A range of the index in its own order.

    Within one term the order is named by the user alone: given "ORDER BY term, user_id", MariaDB 10.11 reads all
    users of the term and sorts them.
    """

    condition: str
    args: list[Any]
    columns: tuple[str, ...]

    def sql(self, order: str) -> str:
        ordered = ", ".join(f"{column} {order}" for column in self.columns)
        return f"SELECT term, user_id FROM {_TABLE} WHERE {self.condition} ORDER BY {ordered} LIMIT %s"


def _spans(part: Part, start: Hit | None, *, backwards: bool) -> list[_Span]:
    """What comes after `start`: the rest of its term, then the terms beyond."""
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


def _matches(driving: Part, others: list[Part]) -> tuple[str, list[Any]]:
    """Whether a row of the walk is its user's first term in the range, and the user matches the other parts."""
    tests, args = [], []
    if driving.prefix:
        tests.append(
            f"NOT EXISTS (SELECT 1 FROM {_TABLE} AS one WHERE one.user_id = walk.user_id "
            "AND one.term >= %s AND one.term < walk.term)"
        )
        args.append(driving.text)
    for other in others:
        condition, its_args = _within(other, "one.term")
        tests.append(f"EXISTS (SELECT 1 FROM {_TABLE} AS one WHERE one.user_id = walk.user_id AND {condition})")
        args.extend(its_args)
    return " AND ".join(tests) or "1", args
