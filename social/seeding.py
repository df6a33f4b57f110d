"""Demo follows and blocks in batches. A second run adds what is missing, except follows that a block forbids."""

from collections import Counter
from collections.abc import Collection, Sequence

from django.db import transaction

from social import demo
from social.demo import Pair
from social.locks import lock_pairs
from social.models import Block, Follow
from users.seeding import batches

BATCH = 200  # users in one transaction
FOLLOW, BLOCK = ("follower_id", "followee_id"), ("blocker_id", "blocked_id")


def seed(user_ids: Sequence[int]) -> dict[str, int]:
    """Add edges between the users, always the same ones; return the number added by kind. For users.seeding."""
    added = Counter(follows=0, blocks=0)
    for batch in batches(demo.newcomers(len(user_ids)), BATCH):
        follows = [(user_ids[a], user_ids[b]) for each in batch for a, b in each.follows]
        blocks = [(user_ids[a], user_ids[b]) for each in batch for a, b in each.blocks]
        added.update(_add(follows, blocks, [user_ids[each.number] for each in batch]))
    return dict(added)


def _add(follows: list[Pair], blocks: list[Pair], newcomer_ids: list[int]) -> dict[str, int]:
    """Insert the missing edges of newcomers; return the number by kind."""
    with transaction.atomic():
        lock_pairs((*follows, *blocks))
        followed, blocked = _edges_of(Follow, FOLLOW, newcomer_ids), _edges_of(Block, BLOCK, newcomer_ids)
        new_follows = [pair for pair in follows if pair not in followed and blocked.isdisjoint((pair, pair[::-1]))]
        new_blocks = [pair for pair in blocks if pair not in blocked and followed.isdisjoint((pair, pair[::-1]))]
        Follow.objects.bulk_create(Follow(**dict(zip(FOLLOW, pair, strict=True))) for pair in new_follows)
        Block.objects.bulk_create(Block(**dict(zip(BLOCK, pair, strict=True))) for pair in new_blocks)
    return {"follows": len(new_follows), "blocks": len(new_blocks)}


def _edges_of(model: type[Follow] | type[Block], columns: tuple[str, str], user_ids: Collection[int]) -> set[Pair]:
    return {
        pair for column in columns for pair in model.objects.filter(**{f"{column}__in": user_ids}).values_list(*columns)
    }
