"""A count of the committed changes of each table, kept by triggers of the database: it proves that a read was stale.

If no row of a table was changed between two looks at the database, whatever a reader got in between must equal what
both looks saw. Triggers hear every way to write, whether the ORM knows of it or not.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

LOG = "zoo_walk_log"
EVENTS = ("INSERT", "UPDATE", "DELETE")


@contextmanager
def change_log(tables: Iterable[str]) -> Iterator[None]:
    """Keep the log while the block runs."""
    named = [(f"zoo_walk_{number}", table) for number, table in enumerate(sorted(tables))]
    try:
        with connection.cursor() as cursor:
            for statement in (*_begin(), *(each for name, table in named for each in _watch(name, table))):
                cursor.execute(statement)
        yield
    finally:
        with connection.cursor() as cursor:
            for statement in (*(each for name, table in named for each in _unwatch(name, table)), *_end()):
                cursor.execute(statement)


def mark(tables: Iterable[str]) -> int:
    """Return how many changes of the tables this connection can see."""
    names = list(tables)
    places = ", ".join(["%s"] * len(names))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {LOG} WHERE changed IN ({places})", names)  # noqa: S608
        return int(cursor.fetchone()[0])


def forget() -> None:
    """Empty the log; only while nobody writes or compares."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {LOG}")  # noqa: S608


def _begin() -> Iterator[str]:
    number = {"sqlite": "integer PRIMARY KEY", "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
              "postgresql": "bigserial PRIMARY KEY"}[connection.vendor]  # fmt: skip
    yield f"CREATE TABLE {LOG} (id {number}, changed varchar(200) NOT NULL)"
    yield f"CREATE INDEX {LOG}_changed ON {LOG} (changed)"
    if connection.vendor == "postgresql":
        insert = f"INSERT INTO {LOG} (changed) VALUES (TG_ARGV[0])"  # noqa: S608
        yield f"CREATE FUNCTION {LOG}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {insert}; RETURN NULL; END $$"


def _watch(name: str, table: str) -> Iterator[str]:
    quoted, text = connection.ops.quote_name(table), "'" + table.replace("'", "''") + "'"
    insert: Any = f"INSERT INTO {LOG} (changed) VALUES ({text})"  # noqa: S608
    for event in EVENTS:
        head = f"CREATE TRIGGER {name}_{event} AFTER {event} ON {quoted} FOR EACH ROW"
        yield {
            "sqlite": f"{head} BEGIN {insert}; END",
            "mysql": f"{head} {insert}",
            "postgresql": f"{head} EXECUTE FUNCTION {LOG}({text})",
        }[connection.vendor]


def _unwatch(name: str, table: str) -> Iterator[str]:
    on = f" ON {connection.ops.quote_name(table)}" if connection.vendor == "postgresql" else ""
    for event in EVENTS:
        yield f"DROP TRIGGER IF EXISTS {name}_{event}{on}"


def _end() -> Iterator[str]:
    yield f"DROP TABLE IF EXISTS {LOG}"
    if connection.vendor == "postgresql":
        yield f"DROP FUNCTION IF EXISTS {LOG}"
