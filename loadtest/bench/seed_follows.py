"""Seed millions of follows and blocks by SQL, without updating counters or the cache."""

from typing import NamedTuple

from loadtest.bench.environment import Environment

TABLES = ("social_follow", "social_block", "counters_counter", "counters_delta", "counters_reconciliation")
FIRST_UNUSED_ID = 10**9  # no user has this id or a higher one
FEW_FOLLOWERS = 3  # of the user that a celebrity is compared with


def delete_all(env: Environment) -> None:
    """Delete all follows, blocks and counters, and empty Redis; the users stay."""
    for table in TABLES:
        env.sql(f"TRUNCATE {table}")
    env.redis.flushall()


def insert_rows(
    env: Environment, select: str, *, into: str = "social_follow (follower_id, followee_id, created_at)"
) -> None:
    """Insert the rows of a SELECT without checking foreign keys, so that they may refer to users that do not exist."""
    env.sql("SET foreign_key_checks = OFF")
    env.sql(f"INSERT INTO {into} {select}")
    env.sql("SET foreign_key_checks = ON")


class CelebritySize(NamedTuple):
    """How many followers a celebrity has, and how many edges down the deep pages begin."""

    followers: int = 3_000_000
    deep: int = 1_000_000


FULL, QUICK = CelebritySize(), CelebritySize(followers=100_000, deep=50_000)


class Celebrity(NamedTuple):
    """A user with `followers`, and `ordinary_id`, a user with FEW_FOLLOWERS; the counters of both are right."""

    id: int
    followers: int
    ordinary_id: int


def ensure_celebrity(env: Environment, size: CelebritySize) -> Celebrity:
    """Seed a celebrity of this size, unless the last section has left one.

    The newest followers, and the followers from `deep` edges on, are real users that a page can show. The other ids
    have no user, because creating three million users would take longer than everything else.
    """
    users, followers = env.users, size.followers
    celebrity = Celebrity(users, followers, users - 1)
    if _follower_counter(env, celebrity.id) != followers:
        delete_all(env)
        insert_rows(env, f"SELECT {follower_id_sql(users, size)}, {celebrity.id}, NOW(6) FROM seq_1_to_{followers}")
        insert_rows(env, f"SELECT seq, {celebrity.ordinary_id}, NOW(6) FROM seq_1_to_{FEW_FOLLOWERS}")
        env.sql("ANALYZE TABLE social_follow")
        for pk in (celebrity.id, celebrity.ordinary_id):
            env.run_command("reconcile_counters", f"--target=user:{pk}", "--verbosity=0")
        env.run_command("rollup_counters", "--once")
    return celebrity


def follower_id_sql(users: int, size: CelebritySize) -> str:
    """Return SQL for the follower's id in edge number `seq`."""
    real, deep = real_followers(users), size.deep
    depth = f"({size.followers} - seq)"
    return (
        f"CASE WHEN {depth} < {real} THEN 1 + {depth} "
        f"WHEN {depth} >= {deep} AND {depth} < {deep + real} THEN {1 + real} + {depth} - {deep} "
        f"ELSE {FIRST_UNUSED_ID} + seq END"
    )


def real_followers(users: int) -> int:
    """Return how many followers at each of the two depths are real users."""
    return users // 2 - 1


def _follower_counter(env: Environment, pk: int) -> int:
    rows = env.sql(f"SELECT value FROM counters_counter WHERE target_id = {pk} AND name = 'followers'")
    return rows[0][0] if rows else 0
