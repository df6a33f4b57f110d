"""Search of users by terms: the first page costs as much as a page behind a million users.

A result has up to five phases (users/search_phases.py), from the user with exactly this username to users with longer
words. Each is a range of the index on (term, user), read in windows of a fixed number of rows. For each row of a
window, index look-ups tell whether the user matches the other parts of the query, and whether an earlier row of the
result has the user already. So a page reads at most MOST_WINDOWS windows, whatever the size of the table. If matches
are rarer, a page is short or empty, and still has a cursor.
"""

from typing import Any

from django.db import connections, router
from django.db.models import Case, QuerySet, Value, When

from api.cursors import PAGE, Cursor, Page
from users.models import SearchTerm, User
from users.search_phases import LAST, Hit, Phase, phases_of
from users.terms import Query, contains, parse

WINDOW = 1_000  # rows of the index for a query of several parts
PREFIX_WINDOW = 400  # for one prefix, where only rows of users who are in the result already are skipped
FIRST_PREFIX_WINDOW = 100  # the first of a page, which nearly always fills it
MOST_WINDOWS = 5  # windows read for one page, while it is not full


def find(query: Query, cursor: Cursor | None, size: int = PAGE) -> Page:
    """Return a page of `size` user ids, by one SQL query, or up to MOST_WINDOWS while matches are rare."""
    backwards = cursor is not None and cursor.backwards
    start = at = None if cursor is None else Hit(*cursor.key)
    hits: list[Hit] = []
    for number in range(MOST_WINDOWS if query.parts else 0):
        window = _window(query, size, is_first=number == 0)
        found, at = _read(query, at, window, backwards=backwards)
        hits += found
        if len(hits) >= size or at is None:
            break
    listed = hits[:size]
    onward = listed[-1] if len(hits) > size else at
    back = listed[0] if listed and start else start
    user_ids = [hit.user_id for hit in listed]
    return Page(user_ids[::-1], after=back, before=onward) if backwards else Page(user_ids, after=onward, before=back)


def _window(query: Query, size: int, *, is_first: bool) -> int:
    """Return how many rows the next window has: at least one more than a page."""
    if len(query.parts) > 1:
        return WINDOW
    if not is_first:
        return PREFIX_WINDOW
    return max(size + 1, FIRST_PREFIX_WINDOW if query.parts[0].prefix else 0)


def _read(query: Query, start: Hit | None, window: int, *, backwards: bool) -> tuple[list[Hit], Hit | None]:
    """Return the hits of a window, in the direction of reading, and the start of the next; None if there is none."""
    sql, args = statement(query, start, window, backwards=backwards)
    with connections[router.db_for_read(SearchTerm)].cursor() as database:
        database.execute(sql, args)
        rows = database.fetchall()
    hits = [Hit(phase, term, user_id) for phase, term, user_id, is_match in rows if is_match]
    return hits, Hit(*rows[-1][:3]) if len(rows) >= window else None


def for_admin(queryset: QuerySet, column: str, text: str) -> QuerySet:
    """Return the rows of the users that ids_for_admin() finds, in its order; `column` has the user's id."""
    ids = ids_for_admin(text)
    places = [When(**{column: user_id}, then=Value(place)) for place, user_id in enumerate(ids)]
    found = queryset.filter(**{f"{column}__in": ids})
    return found.order_by(Case(*places)) if places else found


def ids_for_admin(text: str, limit: int = 200) -> list[int]:
    """Return up to `limit` user ids: of the users with this id or username, of those that the API finds, in its order,
    and of inactive users by the beginning of the username."""
    found = dict.fromkeys(User.objects.ids_named(text))
    query, cursor = parse(text), None
    while len(found) < limit:
        page = find(query, cursor)
        found.update(dict.fromkeys(page.ids))
        if page.after is None:
            break
        cursor = Cursor(False, tuple(page.after))
    if beginning := query.username[1:]:
        # Not LIKE, which uses no index on SQLite.
        named = User.objects.filter(username__gte=beginning, username__lt=beginning + LAST).order_by("username")
        found.update(dict.fromkeys(named.values_list("pk", flat=True)[:limit]))
    return list(found)[:limit]


def matches(query: Query, row: Any) -> bool:
    """Return whether a found user is still active, and whether the nickname contains the substrings.

    The terms are pairs of characters, which a nickname may have in other places than side by side.
    """
    return row.is_active and contains(row.nickname, query.substrings)


def statement(query: Query, start: Hit | None, window: int, *, backwards: bool) -> tuple[str, list[Any]]:
    """Return (SQL, arguments) of a query for rows of (phase, term, user id, whether the user belongs on the page).

    Each range is cut at `window` rows, and so is the whole: a range that was cut leaves no room for the next.
    """
    phases = [phase for phase in phases_of(query) if start is None or _is_ahead(phase, start, backwards=backwards)]
    spans = [span for phase in phases for span in phase.spans(start, backwards=backwards)]
    walk = " UNION ALL ".join(f"SELECT * FROM ({span.sql()}) AS span{number}" for number, span in enumerate(spans))
    cases = " ".join(
        f"WHEN {phase.number} THEN {' AND '.join(each.sql for each in phase.conditions) or '1'}" for phase in phases
    )
    order = ", ".join(f"walk.{column} {'DESC' if backwards else 'ASC'}" for column in ("phase", "term", "place"))
    sql = (
        f"SELECT walk.phase, walk.term, walk.user_id, CASE walk.phase {cases} END "
        f"FROM ({walk}) AS walk ORDER BY {order} LIMIT {window}"
    )
    condition_args = [arg for phase in phases for each in phase.conditions for arg in each.args]
    return sql, [*condition_args, *(arg for span in spans for arg in (*span.condition.args, window))]


def _is_ahead(phase: Phase, start: Hit, *, backwards: bool) -> bool:
    """Return whether a page that starts at a hit may have users of a phase."""
    return phase.number <= start.phase if backwards else phase.number >= start.phase
