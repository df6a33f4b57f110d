"""SQL statements on one user's score of one item; the ORM takes longer to build them than the database to run them.

These statements send no signals, so the caller must update the counters and the cache.
"""

from typing import Any, NamedTuple

from django.db import connections


class StoredScore(NamedTuple):
    """The primary key, the user and the score of a row."""

    id: int
    user_id: int
    score: int


def select(using: str, user_id: int, item_id: int) -> StoredScore | None:
    """Return the score of a user for an item, or None."""
    row = _run(using, _SELECT, user_id, item_id).fetchone()
    return None if row is None else StoredScore(*row)


def insert(using: str, user_id: int, item_id: int, score: int) -> None:
    """Insert a score; raise IntegrityError if it exists, or if an end is gone (SQLite raises this at the commit)."""
    _run(using, _INSERT, user_id, item_id, score)


def update_if_unchanged(using: str, before: StoredScore, score: int) -> bool:
    """Change a score if it is still equal to `before`; return whether it was."""
    # By primary key: otherwise InnoDB locks the index of the pair before the row, and a deletion locks the row first.
    index = "FORCE INDEX (PRIMARY)" if connections[using].vendor == "mysql" else ""
    return bool(_run(using, _UPDATE.format(index), score, *before).rowcount)


def _run(using: str, statement: str, *values: int) -> Any:
    cursor = connections[using].cursor()
    cursor.execute(statement, values)
    return cursor


_SELECT = "SELECT id, user_id, score FROM ratings_score WHERE user_id = %s AND item_id = %s"
_INSERT = "INSERT INTO ratings_score (user_id, item_id, score) VALUES (%s, %s, %s)"
_UPDATE = "UPDATE ratings_score {} SET score = %s WHERE id = %s AND user_id = %s AND score = %s"
