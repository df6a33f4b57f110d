"""Functions for other processes: they rate, delete items and users, or kill their process while they do."""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any

from tests.support.crashes import dies_at_commit
from tests.support.forkserver import Fork, run_connected

CHUNK = 5
HIGHEST = 10


def rate_each(user_ids: list[int], item_id: int, changes: int, seed: int) -> int:
    """Rate an item as each user, 1 + `changes` times; return the number of ratings."""
    from ratings import services

    chance, done = random.Random(seed), 0
    for _ in range(1 + changes):
        for user_id in user_ids:
            services.rate(user_id=user_id, item_id=item_id, score=chance.randint(1, HIGHEST))
            done += 1
    return done


def fire(verbs: tuple[str, ...], user_id: int, item_id: int, times: int, seed: int) -> dict[str, int]:
    """Send random writes of one user for one item; return the number of answers by verb and status."""
    chance, answers = random.Random(seed), Counter()
    for _ in range(times):
        verb = chance.choice(verbs)
        answers[f"{verb} {_ask(chance, verb, user_id, item_id)}"] += 1
    return answers


def rate_until_gone(user_ids: list[int], item_ids: list[int], seed: int) -> dict[str, int]:
    chance, answers = random.Random(seed), Counter()
    for item_id in item_ids:
        status = 0
        while status != 404:
            verb = chance.choice(("PUT", "PUT", "DELETE"))
            status = _ask(chance, verb, chance.choice(user_ids), item_id)
            answers[str(status)] += 1
    return answers


def _ask(chance: random.Random, verb: str, user_id: int, item_id: int) -> int:
    """Write a score over HTTP; return the status."""
    from django.conf import settings

    from tests.support.api_client import ApiClient
    from users.models import User

    settings.THROTTLES = {}
    body = {"score": chance.randint(1, HIGHEST)} if verb == "PUT" else None
    return ApiClient().request(verb, f"ratings/{item_id}/score", body, by=User(pk=user_id)).status


def remove(item_ids: list[int], longest_s: float) -> int:
    """Remove each item after a random pause, then sweep; return the number of rows swept."""
    from jobs import deletion
    from ratings import removal

    removal.CHUNK = deletion.AT_ONCE = CHUNK
    for item_id in item_ids:
        time.sleep(random.uniform(0, longest_s))
        removal.remove([item_id])
    return sum(removal.removed_items.sweep())


def leave(user_ids: list[int], longest_s: float) -> None:
    """Delete each user after a random pause."""
    from ratings import removal
    from users.services import delete_user

    removal.CHUNK = CHUNK
    for user_id in user_ids:
        time.sleep(random.uniform(0, longest_s))
        list(delete_user(user_id))


def leave_before_items_go(user_ids: list[int], item_ids: list[int], longest_s: float) -> None:
    """Delete the users, then remove the items, while others rate them."""
    leave(user_ids, longest_s)
    remove(item_ids, longest_s)


@contextlib.contextmanager
def raters(number: int, user_ids: list[int], item_id: int) -> Iterator[list[Fork]]:
    """Run processes that rate until the end of the block, when they are killed."""
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(Fork(run_connected, rate_for_ever, user_ids, item_id, seed)) for seed in range(number)
        ]
        for fork in running:
            fork.wait_until_paused().resume()
        yield running


def rate_for_ever(user_ids: list[int], item_id: int, seed: int) -> None:
    from caching.api import repeated
    from ratings import services

    chance = random.Random(seed)
    for _ in count():
        pair = {"user_id": chance.choice(user_ids), "item_id": item_id}
        with contextlib.suppress(services.TooFast):
            if chance.random() < 0.3:
                services.withdraw(**pair)
            else:
                # After a killed writer of a first score, of those who waited for it one wins the deadlock.
                repeated(partial(services.rate, **pair, score=chance.randint(1, HIGHEST)), is_idempotent=True)


def die_at(when: str, commits: int, work: str, *arguments: Any) -> None:
    """Do the work and kill the process just "before" or "after" its n-th commit."""
    from ratings import removal, services

    removal.CHUNK = CHUNK
    dies_at_commit(commits, when)
    works = {
        "rate": lambda user_id, item_id, score: services.rate(user_id=user_id, item_id=item_id, score=score),
        "withdraw": lambda user_id, item_id: services.withdraw(user_id=user_id, item_id=item_id),
        "remove": lambda item_id: removal.remove([item_id]),
        "sweep": lambda: list(removal.removed_items.sweep()),
    }
    works[work](*arguments)
