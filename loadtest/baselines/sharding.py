"""Redis keys of the earlier design of favourites. Without Django, because the benchmark imports it, too."""

SHARDS = 20
LIFE_S = 48 * 3_600
PREFIX = "favorites:post:"


def shard_of(user_id: int) -> int:
    return user_id % SHARDS


def key(post_id: int, shard: int) -> str:
    return f"{PREFIX}{post_id}:{shard}"
