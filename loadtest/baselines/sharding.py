"""Where the earlier design of favourites keeps who keeps a post. Without Django, as the benchmark reads it as well."""

SHARDS = 20
LIFE_S = 48 * 3_600
PREFIX = "favorites:post:"


def shard_of(user_id: int) -> int:
    return user_id % SHARDS


def key(post_id: int, shard: int) -> str:
    return f"{PREFIX}{post_id}:{shard}"
