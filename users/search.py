"""Finding users by terms: a page costs the same on the first page and a million users deep.

The page walks one range of the index on (term, user), that of the query's most selective part, in windows of a fixed
number of rows; every row of the window is asked, by index look-ups, whether its user matches the other parts too and
whether this is the user's first term in the range. So a page reads at most WINDOW rows of the range, whatever the
table's size; a window with few matches makes a short page that still carries its cursor.
"""

from typing import Any, NamedTuple

from django.db import connections, router

from api.cursors import Cursor
from users.models import SearchTerm
from users.terms import Part, Query, contains

PAGE = 20
WINDOW = 1_000  # rows of the index, where several parts must match
PREFIX_WINDOW = 400  # where one prefix decides, and only a user's further terms are passed over
EXACT_WINDOW = PAGE + 1  # where every row is a hit
LAST = "\U0010ffff"  # sorts after every character in use


class Hit(NamedTuple):
    term: str
    user_id: int


class Page(NamedTuple):
    """`after` and `before` are the keys from which the neighbouring pages start; None where there is none."""

    user_ids: list[int]
    after: Hit | None
    before: Hit | None


def find(query: Query, cursor: Cursor | None) -> Page:
    """One SQL query; none for a query without parts."""
    if not query.parts:
        return Page([], None, None)
    backwards = cursor is not None and cursor.backwards
    start = None if cursor is None else Hit(*cursor.key)
    sql, args, window = statement(query.parts, start, backwards=backwards)
    with connections[router.db_for_read(SearchTerm)].cursor() as database:
        database.execute(sql, args)
        rows = database.fetchall()
    return _page(rows, start, window, backwards=backwards)


def those_that_match(query: Query, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leaves out who was deactivated this moment, and whose nickname has the pairs but not the characters in a row."""
    return [row for row in rows if row["is_active"] and contains(row["nickname"], query.substrings)]


def _page(rows: list[tuple], start: Hit | None, window: int, *, backwards: bool) -> Page:
    hits = [Hit(term, user_id) for term, user_id, matches in rows if matches]
    shown = hits[:PAGE]
    onward = None
    if len(hits) > PAGE:
        onward = shown[-1]
    elif len(rows) >= window:
        onward = Hit(*rows[-1][:2])
    back = None if start is None else (shown[0] if shown else start)
    if backwards:
        shown.reverse()
        return Page([hit.user_id for hit in shown], after=back, before=onward)
    return Page([hit.user_id for hit in shown], after=onward, before=back)


# SQL: portable between SQLite, MySQL and MariaDB; spelled out because the ORM cannot select from a limited subquery.

_TABLE = SearchTerm._meta.db_table


def statement(parts: list[Part], start: Hit | None, *, backwards: bool) -> tuple[str, list[Any], int]:
    """(SQL, its arguments, the window): rows of (term, user id, whether the user belongs on the page)."""
    driving, *others = parts
    window = WINDOW if others else PREFIX_WINDOW if driving.prefix else EXACT_WINDOW
    order = "DESC" if backwards else "ASC"
    spans = _spans(driving, start, backwards=backwards)
    walk = " UNION ALL ".join(f"SELECT * FROM ({_span(condition, order)}) AS span{n}" for n, (condition, _) in enumerate(spans))
    matches, match_args = _matches(driving, others)
    sql = (
        f"SELECT walk.term, walk.user_id, {matches} FROM ({walk}) AS walk "
        f"ORDER BY walk.term {order}, walk.user_id {order} LIMIT {window}"
    )
    span_args = [arg for _, args in spans for arg in (*args, window)]
    return sql, [*match_args, *span_args], window


def _span(condition: str, order: str) -> str:
    return f"SELECT term, user_id FROM {_TABLE} WHERE {condition} ORDER BY term {order}, user_id {order} LIMIT %s"


def _spans(part: Part, start: Hit | None, *, backwards: bool) -> list[tuple[str, list[Any]]]:
    """The ranges of the index that come after `start`: the rest of its term, then the terms beyond."""
    low, high = part.text, part.text + LAST
    if start is None:
        return [_within(part)]
    beyond = "user_id < %s" if backwards else "user_id > %s"
    same_term = (f"term = %s AND {beyond}", [start.term, start.user_id])
    if not part.prefix:
        return [same_term]
    if backwards:
        return [same_term, ("term >= %s AND term < %s", [low, start.term])]
    return [same_term, ("term > %s AND term < %s", [start.term, high])]


def _within(part: Part, column: str = "term") -> tuple[str, list[Any]]:
    if part.prefix:
        return f"{column} >= %s AND {column} < %s", [part.text, part.text + LAST]
    return f"{column} = %s", [part.text]


def _matches(driving: Part, others: list[Part]) -> tuple[str, list[Any]]:
    """Whether a row of the walk is its user's first term in the range, and the user matches the other parts."""
    tests, args = [], []
    if driving.prefix:
        tests.append(f"NOT EXISTS (SELECT 1 FROM {_TABLE} AS one WHERE one.user_id = walk.user_id "
                     "AND one.term >= %s AND one.term < walk.term)")
        args.append(driving.text)
    for other in others:
        condition, its_args = _within(other, "one.term")
        tests.append(f"EXISTS (SELECT 1 FROM {_TABLE} AS one WHERE one.user_id = walk.user_id AND {condition})")
        args.extend(its_args)
    return " AND ".join(tests) or "1", args
