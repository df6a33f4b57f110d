"""How the database is spoken to: SQLite by default, MySQL or MariaDB by DATABASE_URL.

Every time limit here is below the 60 s that the cache keeps a hold (CACHING["HOLD_MS"]): a transaction that outlived
its holds could commit while readers fill the old value again.
"""

from importlib import import_module

import dj_database_url

from config import environment

MYSQL = "config.mysql"
LOCK_WAIT_S = 5
CONNECT_S = 3
DRIVER_PACKAGES = "libmariadb-dev pkg-config gcc python3-dev"

SQLITE = {
    "transaction_mode": "IMMEDIATE",  # a transaction that first reads and then writes would fail with "locked"
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-20000;",
}


def parse(url: str) -> dict:
    """One entry of DATABASES. Options in the address (?ssl-ca=…) win over ours."""
    if url.startswith("sqlite:"):
        return _entry(url, SQLITE)
    _require_driver()
    limit_s = environment.number("DB_TIME_LIMIT_S", default=20, low=0, high=3600)
    return _entry(url.replace("mariadb:", "mysql:", 1), _mysql(limit_s))


def _entry(url: str, options: dict) -> dict:
    entry = dj_database_url.parse(url, conn_max_age=600, conn_health_checks=True)
    engine = {"ENGINE": MYSQL} if entry["ENGINE"] == "django.db.backends.mysql" else {}
    return {**entry, **engine, "OPTIONS": options | entry.get("OPTIONS", {})}


def _mysql(limit_s: int) -> dict:
    """limit_s: longest statement, and longest idleness inside a transaction; 0 for none, as migrations need it."""
    options = {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        "connect_timeout": CONNECT_S,
        "init_command": "SET " + ", ".join(_session(limit_s)),
    }
    # MySQL limits only SELECTs by itself; for other statements the client hangs up, and the server rolls back.
    return options | ({"read_timeout": limit_s + 5, "write_timeout": limit_s + 5} if limit_s else {})


def _session(limit_s: int) -> list[str]:
    """Session variables. MariaDB alone runs /*M!…*/, MySQL alone runs /*!80000…*/ (MariaDB skips 50700 to 99999)."""
    variables = [
        "sql_mode='STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
        "time_zone='+00:00'",
        f"innodb_lock_wait_timeout={LOCK_WAIT_S}",
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
