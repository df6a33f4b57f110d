"""Functions that write edges in other processes (see tests/support/forkserver.py)."""

import contextlib
import random
from collections import Counter

from tests.support.crashes import die, dies_after


def follow_all(follower_ids: list[int], followee_id: int) -> int:
    """Follow one user by many, one after the other; return how many edges were inserted."""
    from social import services

    return sum(services.follow(follower_id=each, followee_id=followee_id) for each in follower_ids)


def scramble(user_ids: list[int], times: int, seed: int) -> dict[str, int]:
    """Write random edges between random users; return by verb how many writes changed something."""
    from social import services

    chance, changed = random.Random(seed), Counter()
    for _ in range(times):
        one, other = chance.sample(user_ids, 2)
        verb, names = chance.choice(
            [
                (services.follow, ("follower_id", "followee_id")),
                (services.unfollow, ("follower_id", "followee_id")),
                (services.block, ("blocker_id", "blocked_id")),
                (services.unblock, ("blocker_id", "blocked_id")),
            ]
        )
        with contextlib.suppress(services.Blocked):
            changed[verb.__name__] += verb(**dict(zip(names, (one, other), strict=True)))
    return changed


def block_and_die(point: str, blocker_id: int, blocked_id: int) -> None:
    """Block a user and kill the process after `point` of the transaction."""
    from django.db import connection

    from social import services
    from social.models import Block, Follow

    if point == "everything written":
        connection._commit = die
    else:
        dies_after(*{"block inserted": (Block, "save"), "one follow deleted": (Follow, "delete")}[point])
    services.block(blocker_id=blocker_id, blocked_id=blocked_id)
