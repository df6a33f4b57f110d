"""The phases of a search result: who comes before whom, as ranges of the index on (term, user).

1. the user whose username is the query,
2. users whose nickname is the query, the newest first,
3. users whose username begins with it, by username,
4. users with the word (of several words: the most selective one), the newest first,
5. users with a word that begins with it, by word.

A phase leaves out who is in an earlier one. Raw SQL, portable between SQLite, MySQL and MariaDB: the ORM cannot select
from a subquery with a limit.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from users.models import SearchTerm
from users.terms import Part, Query

LAST = "\U0010ffff"  # sorts after every character in use
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
    """A range of the index, in the order of the index, and how the rows of its phase follow each other.

    A range of one term is ordered by user alone: for "ORDER BY term, user_id", MariaDB 10.11 reads all users of the
    term and sorts them.
    """

    phase: int
    condition: Condition
    order: str
    place: str

    def sql(self) -> str:
        """Return the query of at most as many rows as its last argument says."""
        where = f"WHERE {self.condition.sql} ORDER BY {self.order} LIMIT %s"
        return f"SELECT {self.phase} AS phase, term, user_id, {self.place} AS place FROM {_TABLE} {where}"  # noqa: S608


class Phase(NamedTuple):
    """The users with the term `text`, the newest first, or with the terms that begin with it and are longer, in the
    order of the index; and who of them belongs here."""

    number: int
    text: str
    is_longer: bool
    conditions: list[Condition]

    def spans(self, start: Hit | None, *, backwards: bool) -> list[Span]:
        """Return the ranges after `start`: the rest of its term, then the further terms."""
        inside = start if start is not None and start.phase == self.number else None
        if not self.is_longer:
            return [self._of_newest(inside, backwards=backwards)]
        order = "term DESC, user_id DESC" if backwards else "term, user_id"
        if inside is None:
            return [Span(self.number, self._within(self.text, self.text + LAST), order, "user_id")]
        beyond, direction = ("<", "DESC") if backwards else (">", "ASC")
        rest = Condition(f"term = %s AND user_id {beyond} %s", [inside.term, inside.user_id])
        bounds = (self.text, inside.term) if backwards else (inside.term, self.text + LAST)
        return [
            Span(self.number, rest, f"user_id {direction}", "user_id"),
            Span(self.number, self._within(*bounds), order, "user_id"),
        ]

    def _of_newest(self, inside: Hit | None, *, backwards: bool) -> Span:
        beyond, direction = (">", "ASC") if backwards else ("<", "DESC")
        condition = Condition("term = %s", [self.text])
        if inside is not None:
            condition = Condition(f"term = %s AND user_id {beyond} %s", [self.text, inside.user_id])
        return Span(self.number, condition, f"user_id {direction}", "-user_id")

    @staticmethod
    def _within(low: str, high: str) -> Condition:
        return Condition("term > %s AND term < %s", [low, high])


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
