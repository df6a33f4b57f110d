"""A made-up graph: always the same one, in which a few people have hundreds of followers and most have few.

People come one after the other, each choosing among those who were there before, the earlier ones the more often: so
the graph of fewer people is the beginning of that of more.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

MOST_FOLLOWED = 10  # by one newcomer
SHARE_WHO_FOLLOW_BACK = 0.3
SHARE_WHO_BLOCK = 0.05

Pair = tuple[int, int]


class Newcomer(NamedTuple):
    """People are numbers from 0. Every pair has the newcomer in it; no two people follow and block each other."""

    number: int
    follows: list[Pair]
    blocks: list[Pair]


def newcomers(count: int) -> Iterator[Newcomer]:
    chance = random.Random(20240102)
    for number in range(count):
        followed = {_earlier(chance, number) for _ in range(chance.randint(1, MOST_FOLLOWED)) if number}
        back = [other for other in sorted(followed) if chance.random() < SHARE_WHO_FOLLOW_BACK]
        follows = [(number, other) for other in sorted(followed)] + [(other, number) for other in back]
        blocked = {_earlier(chance, number)} if number and chance.random() < SHARE_WHO_BLOCK else set()
        yield Newcomer(number, follows, [(number, other) for other in blocked - followed])


def _earlier(chance: random.Random, number: int) -> int:
    """The first of n is chosen about once in the square root of n times."""
    return int(number * chance.random() ** 2)
