"""Turns "a server cannot be reached" errors into one sentence that says what to do; other errors stay as they are."""

from django.db.utils import DatabaseError
from redis import exceptions as redis

from config import environment

FAILURES = (DatabaseError, redis.ConnectionError, redis.TimeoutError, redis.InvalidResponse)
ADVICE = {
    1044: "the user has no right to this database: grant it, or correct DATABASE_URL",
    1045: "the user or the password is wrong: correct DATABASE_URL",
    1049: "there is no such database: create it with CREATE DATABASE … CHARACTER SET utf8mb4, or correct DATABASE_URL",
    1698: "the user may not log in this way: give it a password, or correct DATABASE_URL",
    2002: "no server answers: start it, or correct DATABASE_URL",
    2003: "no server answers: start it, or correct DATABASE_URL",
    2005: "the host name is unknown: correct DATABASE_URL",
    2006: "the connection was lost: see whether the server runs",
    2013: "the connection was lost: see whether the server runs",
}


def sentence(error: Exception) -> str | None:
    """For one of FAILURES; None when the error is not about reaching a server."""
    return _database(error) if isinstance(error, DatabaseError) else _redis(error)


def _database(error: DatabaseError) -> str | None:
    code = error.args[0] if error.args else None
    advice = ADVICE.get(code) if isinstance(code, int) else None
    if "unable to open database file" in str(error) or "not a database" in str(error):
        advice = "the file cannot be opened: correct DATABASE_URL or DATA_DIR"
    if advice is None:
        return None
    return f"The database {environment.shown(environment.database_url())} cannot be used, {advice} ({error.args[-1]})."


def _redis(error: Exception) -> str:
    wrong = isinstance(error, redis.AuthenticationError)
    advice = "the password is wrong: correct REDIS_URL" if wrong else "start the server, or correct REDIS_URL"
    return f"Redis at {environment.shown(environment.redis_url())} cannot be used, {advice} ({error})."
