"""Functions for other processes: they delete accounts, or kill their process while they do, or write beside that."""

import random
from typing import Any

from tests.support.crashes import dies_at_commit


def die_while_deleting(user_id: int, chunk: int, commits: int, when: str) -> None:
    """Delete a marked account and kill the process just "before" or "after" its n-th commit."""
    from jobs import deletion
    from users import erasure

    deletion.CHUNK = chunk
    dies_at_commit(commits, when)
    list(erasure.delete(user_id))


def sweep(chunk: int) -> int:
    """Sweep until no marked account is left; return the number of transactions that deleted something."""
    from jobs import deletion
    from users import erasure
    from users.models import Erasure

    deletion.CHUNK, turns = chunk, 0
    while Erasure.objects.filter(gone_at=None).exists():
        turns += sum(1 for _ in erasure.sweep())
    return turns


def follow_and_like(user_ids: list[int], post_ids: list[int], times: int, seed: int) -> list[list[Any]]:
    """Follow, unfollow, like and unlike at random; return [user, other, is followed] as the writer saw it last."""
    from posts import services as posts
    from social import relationships
    from social import services as social

    chance, seen = random.Random(seed), {}
    own = user_ids[seed % len(user_ids)]
    for _ in range(times):
        other, post_id = chance.choice([pk for pk in user_ids if pk != own]), chance.choice(post_ids)
        write = chance.choice((social.follow, social.unfollow))
        write(follower_id=own, followee_id=other)
        chance.choice((posts.like, posts.unlike))(user_id=own, post_id=post_id)
        seen[other] = relationships.relationship_of(own, other).following
        assert seen[other] is (write is social.follow), "a stale answer to the writer"
    return [[own, other, followed] for other, followed in seen.items()]


def rename_and_pause(by: str, user_id: int) -> bool:
    """Give up a name, pausing before the commit."""
    from django.db import transaction

    from tests.support.forkserver import pause
    from users.models import User

    with transaction.atomic():
        if by == "deletion":
            User.objects.filter(pk=user_id).delete()
        else:
            User.objects.filter(pk=user_id).update(username="other_name")
        pause()
    return True


def register_and_leave(username: str, times: int) -> int:
    """Try to register a name, and delete the account at once; return how often that succeeded."""
    from users import services

    registered = 0
    for _ in range(times):
        try:
            user = services.register(username=username, password="correct-horse-battery")
        except services.UsernameTaken:
            continue
        registered += 1
        list(services.delete_user(user.pk))
    return registered


def measure_export(user_id: int) -> list[float]:
    """Export an account piece by piece; return the bytes, the seconds, and how many times the memory it took."""
    import time

    from users import exports

    def resident_kb() -> int:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    before, began, length, peak = resident_kb(), time.monotonic(), 0, 0
    for number, piece in enumerate(exports.export(user_id)):
        length += len(piece)
        peak = peak if number % 20 else max(peak, resident_kb())
    return [length, time.monotonic() - began, peak / before]
