"""Other processes of the application that write edges as fast as they can, once they are told to go."""

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.caching.processes import die, dies_after
from tests.forks import Fork, connected, wait


def follow_all(follower_ids: list[int], followee_id: int) -> int:
    """How many edges were really inserted."""
    from social import services

    return sum(services.follow(follower_id=each, followee_id=followee_id) for each in follower_ids)


def scramble(user_ids: list[int], times: int, seed: int) -> dict[str, int]:
    """Random writes between random people; how many of each kind changed something."""
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


@contextlib.contextmanager
def waiting(work: Callable[..., Any], *arguments: Any) -> Iterator[Callable[[], Any]]:
    """Another process is at work, and waits where `wait()` stands; what is given lets it go on and tells its answer."""
    with Fork(connected, work, *arguments) as fork:
        fork.until_waiting().go_on().until_waiting()
        yield lambda: fork.go_on().answer()


def delete_waiting(how: str, point: str, user_id: int) -> bool:
    """By the service or the model's own delete(); whether the user is gone."""
    from django.db import connection
    from django.db.models.deletion import Collector

    from users import deletion_hooks, services
    from users.models import User

    if point == "edges ended":
        deletion_hooks.register(lambda _: iter([wait()]))
    elif point == "cascade collected":
        delete = Collector.delete
        Collector.delete = lambda self: (User in self.data and wait(), delete(self))[1]
    else:
        commit = connection._commit
        connection._commit = lambda: (User.objects.filter(pk=user_id).exists() or wait(), commit())
    list(services.delete_user(user_id)) if how == "service" else User.objects.get(pk=user_id).delete()
    return not User.objects.filter(pk=user_id).exists()


def block_and_die(point: str, blocker_id: int, blocked_id: int) -> None:
    """Dies once it is through with `point`."""
    from django.db import connection

    from social import services
    from social.models import Block, Follow

    if point == "everything written":
        connection._commit = die
    else:
        dies_after(*{"block inserted": (Block, "save"), "one follow deleted": (Follow, "delete")}[point])
    services.block(blocker_id=blocker_id, blocked_id=blocked_id)
