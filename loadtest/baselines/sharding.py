"""Redis keys of the earlier design of favourites. Without Django, because the benchmark imports it, too."""

SHARDS = 20
LIFE_S = 48 * 3_600
PREFIX = "favorites:post:"


def shard_of(user_id: int) -> int:
    """Return which of a post's sets has the user."""
    return user_id % SHARDS


def key(post_id: int, shard: int) -> str:
    """Return the Redis key of one of a post's sets."""
    return f"{PREFIX}{post_id}:{shard}"
