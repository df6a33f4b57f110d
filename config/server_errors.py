"""One sentence, instead of a traceback, for an error that says that a server cannot be reached."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.utils import DatabaseError
from redis import exceptions as redis

from config import environment

FAILURES = (
    DatabaseError, redis.ConnectionError, redis.TimeoutError, redis.InvalidResponse, redis.RedisClusterException,
)  # fmt: skip
ADVICE = {
    1044: "the user has no right to this database: grant it, or correct DATABASE_URL",
    1045: "the user or the password is wrong: correct DATABASE_URL",
    1047: "the node takes part in no Galera cluster: see whether it is Synced, or reach another one by DATABASE_URL",
    1049: "there is no such database: create it with CREATE DATABASE … CHARACTER SET utf8mb4, or correct DATABASE_URL",
    1698: "the user may not log in this way: give it a password, or correct DATABASE_URL",
    2002: "no server answers: start it, or correct DATABASE_URL",
    2003: "no server answers: start it, or correct DATABASE_URL",
    2005: "the host name is unknown: correct DATABASE_URL",
    2006: "the connection was lost: see whether the server runs",
    2013: "the connection was lost: see whether the server runs",
}


@contextmanager
def exit_if_unreachable() -> Iterator[None]:
    """End the program with one sentence if the database or Redis cannot be reached; raise other errors unchanged."""
    try:
        yield
    except FAILURES as error:
        if not (sentence := _database(error) if isinstance(error, DatabaseError) else _redis(error)):
            raise
        raise environment.Misconfigured(sentence) from None


def _database(error: DatabaseError) -> str | None:
    """Return the sentence; None if the error is not about reaching the database."""
    code = error.args[0] if error.args else None
    advice = ADVICE.get(code) if isinstance(code, int) else None
    if "unable to open database file" in str(error) or "not a database" in str(error):
        advice = "the file cannot be opened: correct DATABASE_URL or DATA_DIR"
    if advice is None:
        return None
    return f"The database {environment.masked(environment.database_url())} cannot be used, {advice} ({error.args[-1]})."


def _redis(error: Exception) -> str:
    wrong = isinstance(error, redis.AuthenticationError)
    advice = "the password is wrong: correct REDIS_URL" if wrong else "start the server, or correct REDIS_URL"
    return f"Redis at {environment.masked(environment.redis_url())} cannot be used, {advice} ({error})."
