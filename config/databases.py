"""Connection options of the database: SQLite by default, MySQL or MariaDB by DATABASE_URL.

Every time limit here is below the 60 s after which readers who meet a writer's hold ask the database whether the writer
is still at work (CACHING["HOLD_MS"]): longer transactions would be safe, but their rows would be read past the cache.
"""

from importlib import import_module

import dj_database_url

from config import environment

MYSQL = "config.mysql"
LOCK_WAIT_S = 5  # for a row, or for a table
CONNECT_S = 3
REPLICA_LIMIT_S, REPLICA_CONNECT_S = 2, 1
DRIVER_PACKAGES = "libmariadb-dev pkg-config gcc python3-dev"
_READ_ONLY = " /*M!100300 , tx_read_only=1 */ /*!80000 , transaction_read_only=1 */"

SQLITE = {
    "transaction_mode": "IMMEDIATE",  # a deferred transaction that reads and then writes can fail with "locked"
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-20000;",
}


def parse(url: str) -> dict:
    """Return the entry of DATABASES for a URL. Options in the URL (?ssl-ca=…) take precedence over those set here."""
    if url.startswith("sqlite:"):
        return _entry(url, SQLITE)
    return _server(url, _mysql(environment.number("DB_TIME_LIMIT_S", default=20, low=0, high=3600)))


def replicas(urls: list[str]) -> dict[str, dict]:
    """Return the entries of DATABASES for replicas, by alias.

    A read that a replica does not answer soon is given to the writer, so the time limits are short. MIRROR tells
    caching and test runners that they are the database `default`.
    """
    return {f"replica{number}": _replica(url) for number, url in enumerate(urls, 1)}


def _replica(url: str) -> dict:
    own = _mysql(REPLICA_LIMIT_S, _READ_ONLY) | {
        "connect_timeout": REPLICA_CONNECT_S, "read_timeout": REPLICA_LIMIT_S + 1, "write_timeout": REPLICA_LIMIT_S + 1
    }  # fmt: skip
    return _server(url, own) | {"TEST": {"MIRROR": "default"}}


def _server(url: str, options: dict) -> dict:
    _require_driver()
    return _entry(url.replace("mariadb:", "mysql:", 1), options) | {"ENGINE": MYSQL}


def _entry(url: str, options: dict) -> dict:
    entry = dj_database_url.parse(url, conn_max_age=600, conn_health_checks=True)
    return {**entry, "OPTIONS": options | entry.get("OPTIONS", {})}


def _mysql(limit_s: int, *more: str) -> dict:
    """Return options that limit each statement, and idle time in a transaction, to `limit_s`; 0 for no limit.

    `more` are assignments of further session variables.
    """
    options = {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        "connect_timeout": CONNECT_S,
        "init_command": "SET " + ", ".join(_session(limit_s)) + " ".join(more),
    }
    # MySQL itself limits only SELECTs; for other statements the client disconnects, and the server rolls back.
    return options | ({"read_timeout": limit_s + 5, "write_timeout": limit_s + 5} if limit_s else {})


def _session(limit_s: int) -> list[str]:
    """Return assignments of session variables.

    Only MariaDB runs /*M!…*/, only MySQL runs /*!80000…*/ (MariaDB skips 50700 to 99999).
    """
    variables = [
        "sql_mode='STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
        "time_zone='+00:00'",
        f"innodb_lock_wait_timeout={LOCK_WAIT_S}",
        f"lock_wait_timeout={LOCK_WAIT_S}",  # for a table that is being changed: whoever waits gives way in time
    ]
    if limit_s:
        mariadb = f"/*M!100300 , max_statement_time={limit_s}, idle_transaction_timeout={limit_s} */"
        mysql = f"/*!80000 , max_execution_time={limit_s * 1000}, wait_timeout={limit_s * 2} */"
        variables[-1] += f" {mariadb} {mysql}"
    return variables


def _require_driver() -> None:
    try:
        import_module("MySQLdb")
    except ImportError as error:
        raise environment.Misconfigured(
            f"DATABASE_URL asks for MySQL, and the library mysqlclient is missing or broken ({error}): install "
            f"requirements.txt; building it needs the Debian packages {DRIVER_PACKAGES}, running it libmariadb3."
        ) from None
