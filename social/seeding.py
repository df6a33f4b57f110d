"""Demo follows and blocks, in batches; running it again adds what is missing, but nothing that a block forbids."""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import islice

from django.db import transaction

from social import demo
from social.demo import Pair
from social.locks import lock_pairs
from social.models import Block, Follow

BATCH = 200  # people in one transaction
FOLLOW, BLOCK = ("follower_id", "followee_id"), ("blocker_id", "blocked_id")


def seed(user_ids: Sequence[int]) -> dict[str, int]:
    """Edges among these users, for users.seeding; always the same ones. Returns how many of each kind were added."""
    added = Counter(follows=0, blocks=0)
    newcomers = demo.newcomers(len(user_ids))
    while batch := list(islice(newcomers, BATCH)):
        follows = [(user_ids[one], user_ids[other]) for each in batch for one, other in each.follows]
        blocks = [(user_ids[one], user_ids[other]) for each in batch for one, other in each.blocks]
        added.update(_add(follows, blocks, [user_ids[each.number] for each in batch]))
    return dict(added)


def _add(follows: list[Pair], blocks: list[Pair], newcomer_ids: list[int]) -> dict[str, int]:
    """One of each pair is a newcomer."""
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
