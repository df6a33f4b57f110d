"""The tables that docs/growing/partitions.sql partitions, and which partitions a statement of the product reads."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection

PARTITIONS = 5  # each has a file
SQL = (Path(__file__).parents[2] / "docs/growing/partitions.sql").read_text()
TABLES = tuple(re.findall(r"^CREATE TABLE \w+ LIKE (\w+);", SQL, re.MULTILINE))
_NAMES_ONE = re.compile(rf"\b({'|'.join(TABLES)})\b")
_EXPLAINED = ("SELECT", "UPDATE", "DELETE", "(SELECT")


class Access(NamedTuple):
    """How a statement reads a table: the partitions among which it looks, as the optimizer sees them."""

    table: str
    partitions: int
    statement: str


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def partitioned(rows: int) -> Iterator[None]:
    """Put partitioned tables in the place of the plain ones, filled so that an index is worth its while."""
    statements = re.sub(r"^--.*$", "", SQL.replace("64", str(PARTITIONS)), flags=re.MULTILINE).split(";")
    run(*filter(str.strip, statements))
    try:
        run(*_filling(rows), *(f"ANALYZE TABLE {table}" for table in TABLES))
        yield
    finally:
        for table in TABLES:
            run(f"DROP TABLE {table}", f"RENAME TABLE {table}_old TO {table}")


def _filling(rows: int) -> Iterator[str]:
    """Yield inserts of rows of users and posts that do not exist: no foreign key minds."""
    user, other = "1000000 + seq MOD 500", "2000000 + seq DIV 500"
    event = f"'shown', 1000, {user}, LPAD(HEX(seq), 24, 'f'), seq, NOW()"
    for columns, values in {
        "social_follow (follower_id, followee_id, created_at)": f"{user}, {other}, NOW()",
        "posts_like (user_id, post_id, created_at)": f"{user}, {other}, NOW()",
        "posts_favorite (user_id, post_id, created_at)": f"{user}, {other}, NOW()",
        "ratings_score (user_id, item_id, score)": f"{user}, {other}, 5",
        "popups_event (type, popup_id, user_id, claim, stream_id, at)": event,
        "popups_userpopup (user_id, popup_id)": f"{user}, {other}",
    }.items():
        yield f"INSERT INTO {columns} SELECT {values} FROM seq_1_to_{rows}"  # noqa: S608


@contextmanager
def explained() -> Iterator[list[Access]]:
    """Explain each statement of the block just before it is executed, in the same transaction."""
    found: list[Access] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(_EXPLAINED) and _NAMES_ONE.search(sql):
            found.extend(_accesses(context["cursor"], sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield found


def _accesses(cursor: Any, sql: str, params: Any) -> Iterator[Access]:
    cursor.cursor.execute(f"EXPLAIN PARTITIONS {sql}", params)  # past the wrapper
    names = [column[0] for column in cursor.cursor.description]
    for row in cursor.cursor.fetchall():
        partitions = dict(zip(names, row, strict=True))["partitions"]
        if partitions:  # an alias of one of the tables; no other has partitions
            yield Access(_NAMES_ONE.search(sql)[1], len(partitions.split(",")), sql)
