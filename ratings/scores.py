"""The statements on a rater's own row, written out: the ORM takes longer to put them together than the database to run
them. They pass the model's signals, so whoever writes by them tells the counters and the cache as well."""

from typing import Any, NamedTuple

from django.db import connections


class StoredScore(NamedTuple):
    id: int
    score: int


def select(using: str, user_id: int, item_id: int) -> StoredScore | None:
    row = _run(using, _SELECT, user_id, item_id).fetchone()
    return None if row is None else StoredScore(*row)


def insert(using: str, user_id: int, item_id: int, score: int) -> None:
    """Raises IntegrityError if there is one; where the user or the item is gone too, SQLite only at the commit."""
    _run(using, _INSERT, user_id, item_id, score)


def update_if_unchanged(using: str, before: StoredScore, score: int) -> bool:
    """Whether it still was the one `before`; otherwise nothing is changed."""
    # By the primary key: InnoDB would lock the pair's index first and the row then, a withdrawal the other way round.
    return bool(_run(using, _UPDATE, score, *before).rowcount)


def _run(using: str, statement: str, *values: int) -> Any:
    cursor = connections[using].cursor()
    cursor.execute(statement, values)
    return cursor


_SELECT = "SELECT id, score FROM ratings_score WHERE user_id = %s AND item_id = %s"
_INSERT = "INSERT INTO ratings_score (user_id, item_id, score) VALUES (%s, %s, %s)"
_UPDATE = "UPDATE ratings_score SET score = %s WHERE id = %s AND score = %s"
