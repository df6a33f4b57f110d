"""The earlier design of checks of favourites: cached by content, for each post the users who have it as a favourite.

The users are in 20 Redis sets by their id, so that a popular post is no big key. Each requested post costs one TTL, to
know whether its set exists, and one SISMEMBER. A set that does not exist costs one query, SADD and EXPIRE before.
Changes are made to existing sets after the commit.
"""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import signals
from django.db.models.functions import Mod
from django_redis import get_redis_connection

from loadtest.baselines.sharding import LIFE_S, SHARDS, key, shard_of
from posts.models import Favorite

SENTINEL = 0  # a member of each set, because Redis has no empty sets


def check(user_id: int, post_ids: list[int]) -> dict[int, bool]:
    """Return {post id: whether it is a favourite of the user}, in the order of the request."""
    redis, shard = get_redis_connection("default"), shard_of(user_id)
    return {post_id: _is_favorite(redis, user_id, post_id, shard) for post_id in post_ids}


def connect_signals() -> None:
    """Update the sets after every later write of a favourite."""
    signals.post_save.connect(_added, sender=Favorite)
    signals.post_delete.connect(_removed, sender=Favorite)


def _is_favorite(redis: Any, user_id: int, post_id: int, shard: int) -> bool:
    if redis.ttl(key(post_id, shard)) < 0:
        _load(redis, post_id, shard)
    return bool(redis.sismember(key(post_id, shard), user_id))


def _load(redis: Any, post_id: int, shard: int) -> None:
    users = Favorite.objects.alias(shard=Mod("user_id", SHARDS)).filter(post_id=post_id, shard=shard)
    redis.sadd(key(post_id, shard), SENTINEL, *users.values_list("user_id", flat=True))
    redis.expire(key(post_id, shard), LIFE_S)


def _added(*, instance: Favorite, created: bool, **_: Any) -> None:
    if created:
        transaction.on_commit(partial(_change, "sadd", instance.user_id, instance.post_id))


def _removed(*, instance: Favorite, **_: Any) -> None:
    transaction.on_commit(partial(_change, "srem", instance.user_id, instance.post_id))


def _change(command: str, user_id: int, post_id: int) -> None:
    redis, name = get_redis_connection("default"), key(post_id, shard_of(user_id))
    if redis.ttl(name) > 0:
        getattr(redis, command)(name, user_id)
