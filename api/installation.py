"""What all processes of an installation have in common, on every host: the secret key, the database, some settings.

No process knows another. One that starts leaves in Redis what it has, and compares it with what the one before it left.
Of the keys only fingerprints are kept, which are keyed hashes: nobody computes a key from them.
"""

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisClusterException, RedisError

from caching.api import redis_client
from caching.extend import prefix

CLOCKS_S = 5  # that a clock may differ from Redis'; two hosts differ by twice that, SIMPLE_JWT["LEEWAY"]
COMPARED = ("ALLOWED_HOSTS", "HTTPS", "POPUP_LINK_SCHEMES", "PROXIES")
# KEYS: the record. ARGV: what signs, all that is accepted, the database ("": unknown), the settings.
# The record is replaced unless this process refuses what the one before signs, or uses another database.
COMPARE = """
local before, now = redis.call('HGETALL', KEYS[1]), redis.call('TIME')
local signing, database = unpack(redis.call('HMGET', KEYS[1], 'signing', 'database'))
if (not signing or string.find(ARGV[2], signing, 1, true))
        and (not database or ARGV[3] == '' or database == ARGV[3]) then
    redis.call('HSET', KEYS[1], 'signing', ARGV[1], 'accepted', ARGV[2], 'settings', ARGV[4], 'since', now[1])
    if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'database', ARGV[3]) end
end
return {now, before}
"""
log = logging.getLogger(__name__)


class Different(SystemExit):
    """Ends a process that cannot run beside those that were started before, with a sentence, and status 1."""


def record_key() -> str:
    """Return the key of the record in Redis."""
    return f"{prefix()}:installation"


def require_agreement() -> None:
    """Raise Different if this process has another key or database than the processes before; log smaller differences.

    Says nothing while Redis is away.
    """
    mine = {
        "signing": fingerprint(settings.SECRET_KEY),
        "accepted": " ".join(map(fingerprint, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))),
        "database": _database(),
        "settings": json.dumps({name: _value(name) for name in COMPARED}, sort_keys=True),
    }
    try:
        (seconds, microseconds), found = redis_client().eval(COMPARE, 1, record_key(), *mine.values())
    except (RedisError, RedisClusterException, OSError) as error:
        log.warning("Whether this process has the SECRET_KEY of all others is not known, as Redis is away (%s).", error)
        return
    before = {name.decode(): value.decode() for name, value in zip(found[::2], found[1::2], strict=True)}
    _compare_clocks(int(seconds) + int(microseconds) / 1e6)
    if before:
        _compare_database(before, mine)
        _compare_keys(before, mine)
        _compare_settings(before, mine)


def forget() -> bool:
    """Let the next process that starts say what the installation has; return whether one had said so before."""
    return bool(redis_client().delete(record_key()))


def fingerprint(key: str) -> str:
    """Return what tells keys apart and does not tell a key."""
    return salted_hmac("installation.fingerprint", "", secret=key, algorithm="sha256").hexdigest()[:32]


def _value(name: str) -> Any:
    return settings.SECURE_SSL_REDIRECT if name == "HTTPS" else getattr(settings, name)


def _database() -> str:
    """Return what tells databases apart: a hash of when the first migration was applied; empty if that is not known."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT applied FROM django_migrations ORDER BY id LIMIT 1")
            row = cursor.fetchone()
    except Error:
        return ""
    finally:
        connection.close()  # the server's workers, which are forked later, open their own
    return fingerprint(str(row[0])) if row else ""


def _compare_clocks(now_of_redis_s: float) -> None:
    ahead_s = time.time() - now_of_redis_s
    if abs(ahead_s) > CLOCKS_S:
        log.warning(
            "The clock of this host is %.0f s %s that of Redis: have both set by NTP. Hosts whose clocks differ by "
            "more than %d s refuse each other's tokens.",
            abs(ahead_s), "ahead of" if ahead_s > 0 else "behind", 2 * CLOCKS_S,
        )  # fmt: skip


def _compare_database(before: dict[str, str], mine: dict[str, str]) -> None:
    if before.get("database", mine["database"]) != mine["database"] != "":
        raise Different(
            "DATABASE_URL names another database than that of the processes that were started before with this Redis, "
            f"the last of them {_since(before)}: correct DATABASE_URL or REDIS_URL. If the database was made anew, "
            "flush Redis, whose entries are of the former one."
        )


def _compare_keys(before: dict[str, str], mine: dict[str, str]) -> None:
    if before["signing"] not in mine["accepted"].split():
        raise Different(
            f"SECRET_KEY is not that of the processes that were started before, the last of them {_since(before)}: "
            "give all hosts the same key, by the environment variable (without it, a debug process makes one of its "
            "own in DATA_DIR). To change the key, put the former one into SECRET_KEY_FALLBACKS; to change it at once "
            "and end all logins, run manage.py forget_secret_key first."
        )
    if mine["signing"] not in before["accepted"].split():
        log.warning(
            "SECRET_KEY is new, and processes that were started before refuse what it signs, until they are started "
            "with it as well. Put a new key into SECRET_KEY_FALLBACKS of all processes first, next time."
        )


def _compare_settings(before: dict[str, str], mine: dict[str, str]) -> None:
    theirs, ours = json.loads(before["settings"]), json.loads(mine["settings"])
    for name in COMPARED:
        if name in theirs and theirs[name] != ours[name]:
            log.warning(
                "%s is %s here, and %s for the processes that were started before: it should be the same for all.",
                name, ours[name], theirs[name],
            )  # fmt: skip


def _since(before: dict[str, str]) -> str:
    return f"at {datetime.fromtimestamp(int(before['since']), UTC):%Y-%m-%d %H:%M:%S} UTC"
