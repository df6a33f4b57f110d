"""Search of users by terms: the first page costs as much as a page behind a million users.

A result has up to five phases (users/search_phases.py), from the user with exactly this username to users with longer
words. Each is a range of the index on (term, user). For each row that is read, index look-ups tell whether the user
matches the other parts of the query, and whether an earlier row of the result has the user already. A page reads a
fixed number of rows of words at most, whatever the size of the table. If matches are rarer, a page is short or empty,
and still has a cursor.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connections, router
from django.db.models import Case, QuerySet, Value, When

from api.cursors import Cursor, Page
from users.models import SearchTerm, User
from users.search_phases import LAST, Hit, Phase, phases_of, statement
from users.terms import Query, contains, parse

PAGE = 20
WINDOW = 1_000  # rows of words that a page reads for a query of several parts
PREFIX_WINDOW = 400  # for one part, where only rows of users who are in the result already are skipped
FIRST_PREFIX_ROWS = 100  # read first, as they nearly always fill a page
MOST_WINDOWS = 5  # read for one page, while there is no match
MOST_STATEMENTS = 12


class _Reading(NamedTuple):
    """What one statement read: matches, rows of words, the last row, and how many phases have come to their end."""

    hits: list[Hit]
    words: int
    last: Hit | None
    ended: int


def find(query: Query, cursor: Cursor | None, size: int = PAGE) -> Page:
    """Return a page of `size` user ids, mostly by one SQL query; by more while matches are rare."""
    backwards = cursor is not None and cursor.backwards
    start = at = None if cursor is None else Hit(*cursor.key)
    ahead = _ahead(query, start, backwards=backwards)
    hits: list[Hit] = []
    words, window = 0, WINDOW if len(query.parts) > 1 else PREFIX_WINDOW
    for _ in range(MOST_STATEMENTS):
        if not ahead or len(hits) >= size or words >= (window if hits else MOST_WINDOWS * window):
            break
        # Several parts cost look-ups for each row, so no words are read before they are needed.
        phases = ahead if window == PREFIX_WINDOW else ahead[:1]
        limit = window - words % window if words else _first_rows(query, size)
        reading = _read(phases, at, size + 1, limit, backwards=backwards)
        hits += reading.hits
        words += reading.words
        at = reading.last or at
        ahead = ahead[reading.ended :]
    listed = hits[:size]
    onward = listed[-1] if len(hits) > size else at if ahead else None
    back = listed[0] if listed and start else start
    user_ids = [hit.user_id for hit in listed]
    return Page(user_ids[::-1], after=back, before=onward) if backwards else Page(user_ids, after=onward, before=back)


def _ahead(query: Query, start: Hit | None, *, backwards: bool) -> list[Phase]:
    """Return the phases that a page which starts at a hit may have users of, in the direction of reading."""
    phases = list(phases_of(query)) if query.parts else []
    if backwards:
        return [phase for phase in phases[::-1] if start is None or phase.number <= start.phase]
    return [phase for phase in phases if start is None or phase.number >= start.phase]


def _first_rows(query: Query, size: int) -> int:
    """Return how many rows of words to read first: enough for a page, where only few are skipped."""
    if len(query.parts) > 1:
        return WINDOW
    return max(size + 1, FIRST_PREFIX_ROWS if query.parts[0].prefix else 0)


def _read(phases: Sequence[Phase], start: Hit | None, names: int, words: int, *, backwards: bool) -> _Reading:
    """Read the rows of phases from `start` on, at most `names` or `words` of each range, by one statement."""
    limits = [(span, words if phase.is_words else names) for phase in phases for span in phase.spans(start, backwards)]
    sql, args = statement(limits, backwards=backwards, vendor=connections[router.db_for_read(SearchTerm)].vendor)
    with connections[router.db_for_read(SearchTerm)].cursor() as database:
        database.execute(sql, args)
        rows = database.fetchall()
    hits: list[Hit] = []
    last, ended, words_read = None, len(phases), 0
    for number, (span, limit) in enumerate(limits):
        found = sorted((row[1:] for row in rows if row[0] == number), key=span.place, reverse=backwards)
        hits += [Hit(span.phase.number, term, user_id) for term, user_id, is_match in found if is_match]
        words_read += len(found) * span.phase.is_words
        if found:
            last = Hit(span.phase.number, *found[-1][:2])
        if len(found) == limit:  # what follows in later ranges is not next to it
            ended = phases.index(span.phase)
            break
    return _Reading(hits, words_read, last, ended)


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
