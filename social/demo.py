"""A demo graph, always the same one: a few users have hundreds of followers, and most have few.

Users join one after the other, and each follows users who joined before, the earlier ones more often. So the graph of
fewer users is the beginning of a larger one.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

MOST_FOLLOWED = 10  # by one newcomer
FOLLOW_BACK_SHARE = 0.3
BLOCK_SHARE = 0.05

Pair = tuple[int, int]


class Newcomer(NamedTuple):
    """A user who joins; users are numbers from 0. The newcomer is in all pairs; no pair both follows and blocks."""

    number: int
    follows: list[Pair]
    blocks: list[Pair]


def newcomers(count: int) -> Iterator[Newcomer]:
    """Yield `count` users in the order in which they join."""
    chance = random.Random(20240102)
    for number in range(count):
        followed = {_earlier(chance, number) for _ in range(chance.randint(1, MOST_FOLLOWED)) if number}
        back = [user for user in sorted(followed) if chance.random() < FOLLOW_BACK_SHARE]
        follows = [(number, user) for user in sorted(followed)] + [(user, number) for user in back]
        blocked = {_earlier(chance, number)} if number and chance.random() < BLOCK_SHARE else set()
        yield Newcomer(number, follows, [(number, user) for user in blocked - followed])


def _earlier(chance: random.Random, number: int) -> int:
    """Return an earlier user; the first of n is chosen about once in the square root of n times."""
    return int(number * chance.random() ** 2)
