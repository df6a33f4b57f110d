"""The phases of a search result: who comes before whom, as ranges of the index on (term, user).

1. the user whose username is the query,
2. users whose nickname is the query, the newest first,
3. users whose username begins with it, by username,
4. users with the word (of several words: the most selective one), the newest first,
5. users with a word that begins with it, by word.

A phase leaves out who is in an earlier one. Raw SQL, portable between SQLite, MySQL and MariaDB: the ORM cannot select
from a subquery with a limit.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from users.models import SearchTerm
from users.terms import Part, Query

LAST = "\U0010ffff"  # sorts after every character in use
FIRST_OF_WORDS = 4
_TABLE = SearchTerm._meta.db_table


class Hit(NamedTuple):
    """A row of a result: its phase, and the row of the index on (term, user)."""

    phase: int
    term: str
    user_id: int


class Condition(NamedTuple):
    """A condition of SQL on a row of `walk`, with its arguments."""

    sql: str
    args: list[Any]

    def negated(self) -> "Condition":
        """Return the opposite condition."""
        return Condition(f"NOT {self.sql}", self.args)


class Span(NamedTuple):
    """A range of the index, in the order of the index.

    A range of one term is ordered by user alone: for "ORDER BY term, user_id", MariaDB 10.11 reads all users of the
    term and sorts them.
    """

    phase: "Phase"
    condition: Condition
    columns: tuple[str, ...]

    def place(self, row: tuple[str, int, Any]) -> tuple[str, int]:
        """Return the sort key of a row of (term, user id, …) among the rows of the span."""
        return row[0], row[1] if self.phase.is_longer else -row[1]

    def sql(self, number: int, *, backwards: bool) -> str:
        """Return the query of (number, term, user id, whether the user belongs here); its last argument is a limit."""
        order = "DESC" if backwards == self.phase.is_longer else "ASC"
        ordered = ", ".join(f"{column} {order}" for column in self.columns)
        is_match = " AND ".join(each.sql for each in self.phase.conditions) or "1"
        return (
            f"SELECT {number}, walk.term, walk.user_id, {is_match} FROM {_TABLE} AS walk "  # noqa: S608
            f"WHERE {self.condition.sql} ORDER BY {ordered} LIMIT %s"
        )

    def args(self, limit: int) -> list[Any]:
        """Return the arguments of sql()."""
        return [*(arg for each in self.phase.conditions for arg in each.args), *self.condition.args, limit]


class Phase(NamedTuple):
    """The users with the term `text`, the newest first, or with the terms that begin with it and are longer, in the
    order of the index; and who of them belongs here."""

    number: int
    text: str
    is_longer: bool
    conditions: list[Condition]

    @property
    def is_words(self) -> bool:
        """Return whether the terms are words, of which many rows may be skipped, and not names."""
        return self.number >= FIRST_OF_WORDS

    def spans(self, start: Hit | None, backwards: bool) -> list[Span]:
        """Return the ranges after `start`: the rest of its term, then the further terms."""
        inside = start if start is not None and start.phase == self.number else None
        if not self.is_longer:
            condition = Condition("term = %s", [self.text])
            if inside is not None:
                condition = Condition(f"term = %s AND user_id {'>' if backwards else '<'} %s", [*inside[1:]])
            return [Span(self, condition, ("user_id",))]
        low, high = self.text, self.text + LAST
        if inside is None:
            return [self._between(low, high)]
        rest = Condition(f"term = %s AND user_id {'<' if backwards else '>'} %s", [*inside[1:]])
        further = self._between(low, inside.term) if backwards else self._between(inside.term, high)
        return [Span(self, rest, ("user_id",)), further]

    def _between(self, low: str, high: str) -> Span:
        return Span(self, Condition("term > %s AND term < %s", [low, high]), ("term", "user_id"))


def phases_of(query: Query) -> Iterator[Phase]:
    """Yield the phases of a query that has parts, in their order."""
    driving, *others = query.parts
    is_called = [_has(Part(query.nickname, prefix=False)).negated()] if query.nickname else []
    if query.username:
        yield Phase(1, query.username, False, [])
    if query.nickname:
        is_named = [_has(Part(query.username, prefix=False)).negated()] if query.username else []
        yield Phase(2, query.nickname, False, is_named)
    if query.username:
        yield Phase(3, query.username, True, is_called)
    begins = [_has(Part(query.username, prefix=True)).negated()] if query.username else []
    matching = [*map(_has, others), *begins, *is_called]
    yield Phase(4, driving.text, False, matching)
    if driving.prefix:
        yield Phase(5, driving.text, True, [*matching, _has_earlier(driving).negated()])


def _has(part: Part) -> Condition:
    """Return the condition that the user of a row has a term of the part."""
    if part.prefix:
        return _exists("one.term >= %s AND one.term < %s", part.text, part.text + LAST)
    return _exists("one.term = %s", part.text)


def _has_earlier(part: Part) -> Condition:
    """Return the condition that the user of a row has another term of the part, before the row's."""
    return _exists("one.term >= %s AND one.term < walk.term", part.text)


def _exists(condition: str, *args: str) -> Condition:
    sql = f"EXISTS (SELECT 1 FROM {_TABLE} AS one WHERE one.user_id = walk.user_id AND {condition})"  # noqa: S608
    return Condition(sql, [*args])


def statement(limits: Sequence[tuple[Span, int]], *, backwards: bool, vendor: str) -> tuple[str, list[Any]]:
    """Return (SQL, arguments) of a query for the rows of spans, at most so many of each; see Span.sql()."""
    # SQLite has no limit in a part of UNION; on MySQL and MariaDB a subquery would be a temporary table.
    opening, closing = ("SELECT * FROM (", ")") if vendor == "sqlite" else ("(", ")")
    parts = [span.sql(number, backwards=backwards) for number, (span, _) in enumerate(limits)]
    sql = " UNION ALL ".join(f"{opening}{part}{closing}" for part in parts)
    return sql, [arg for span, limit in limits for arg in span.args(limit)]
