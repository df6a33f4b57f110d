"""Follows and blocks by the million: seeded by SQL, past everything that would count them or tell the cache."""

from typing import NamedTuple

from loadtest.bench.environment import Ground

TABLES = ("social_follow", "social_block", "counters_counter", "counters_delta", "counters_reconciliation")
FAR = 10**9  # ids from here on are nobody's
SMALL = 3  # followers of the user beside the celebrity


def clear(ground: Ground) -> None:
    """No edges, no counters, an empty Redis; the users stay."""
    for table in TABLES:
        ground.sql(f"TRUNCATE {table}")
    ground.redis.flushall()


def insert(ground: Ground, edges: str, *, into: str = "social_follow (follower_id, followee_id, created_at)") -> None:
    """The edges that a SELECT gives. Foreign keys are not looked at: most ends may be nobody."""
    ground.sql("SET foreign_key_checks = OFF")
    ground.sql(f"INSERT INTO {into} {edges}")
    ground.sql("SET foreign_key_checks = ON")


class Celebrity(NamedTuple):
    """Two users, and how many follow each; both counters are right."""

    id: int
    followers: int
    small_id: int


def celebrity(ground: Ground, *, users: int, followers: int, deep: int) -> Celebrity:
    """Kept for the next section that asks for the same.

    The newest followers and those from `deep` edges down on are real users, whom a page can show; the others are
    nobody, because three million users would take longer to make than everything else.
    """
    big = Celebrity(users, followers, users - 1)
    if _counted(ground, big.id) != followers:
        clear(ground)
        insert(ground, f"SELECT {follower(users, followers, deep)}, {big.id}, NOW(6) FROM seq_1_to_{followers}")
        insert(ground, f"SELECT seq, {big.small_id}, NOW(6) FROM seq_1_to_{SMALL}")
        ground.sql("ANALYZE TABLE social_follow")
        for pk in (big.id, big.small_id):
            ground.manage("reconcile_counters", f"--target=user:{pk}", "--verbosity=0")
        ground.manage("rollup_counters", "--once")
    return big


def follower(users: int, followers: int, deep: int) -> str:
    """SQL for the follower of edge number `seq`."""
    real = pages(users)
    depth = f"({followers} - seq)"
    return (
        f"CASE WHEN {depth} < {real} THEN 1 + {depth} "
        f"WHEN {depth} >= {deep} AND {depth} < {deep + real} THEN {1 + real} + {depth} - {deep} ELSE {FAR} + seq END"
    )


def pages(users: int) -> int:
    """How many followers at either depth are real users."""
    return users // 2 - 1


def _counted(ground: Ground, pk: int) -> int:
    rows = ground.sql(f"SELECT value FROM counters_counter WHERE target_id = {pk} AND name = 'followers'")
    return rows[0][0] if rows else 0
