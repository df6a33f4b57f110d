"""What following the log needs of the database and of this installation."""

from importlib.util import find_spec
from typing import Any, NamedTuple

from django.db import connections

_WANTED = {
    "log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_row_metadata": "FULL",
    "log_bin_compress": "OFF",
}  # fmt: skip
PRIVILEGE = "Grant the database account what it needs to read the log: GRANT REPLICATION SLAVE ON *.* TO its name."
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL"}


class Server(NamedTuple):
    """The server that a connection leads to, and where its log ends now."""

    server_id: int
    gtids: str


def has_log(using: str) -> bool:
    """Return whether a database is of the only kind whose log is followed."""
    connection: Any = connections[using]
    return connection.vendor == "mysql" and bool(connection.mysql_is_mariadb)


def missing(using: str) -> str:
    """Return a sentence on what is missing for following the log of a database, and what to do; "" if nothing is.

    Raises django.db.Error.
    """
    if not has_log(using):
        vendor = connections[using].vendor
        return f"The database is {_NAMES.get(vendor, vendor)}: only MariaDB's log is followed."
    if find_spec("pymysqlreplication") is None:
        return "The library mysql-replication is missing: install requirements.txt."
    variables = _variables(using)
    wrong = [f"{name}={value}" for name, value in _WANTED.items() if variables.get(name, value) != value]
    if wrong:
        return f"Start MariaDB with {', '.join(wrong)}: its log does not tell of each row otherwise."
    return ""


def server(using: str) -> Server:
    """Return what the server says of itself; raises django.db.Error."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT @@server_id, @@gtid_binlog_pos")
        return Server(*cursor.fetchone())


def _variables(using: str) -> dict[str, str]:
    names = ", ".join(f"'{name}'" for name in _WANTED)
    with connections[using].cursor() as cursor:
        cursor.execute(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")
        return dict(cursor.fetchall())
