"""Draw ids by Zipf's law: a few ids are requested all the time, most ids hardly ever.

The id of rank r is drawn with weight 1/r, as was measured for web pages; see Breslau et al., "Web Caching and Zipf-like
Distributions: Evidence and Implications", 1999. Ranks are scattered over the ids, so that hot rows are not neighbours.
"""

import random
from collections.abc import Sequence
from itertools import accumulate
from math import gcd

FEED_SMALLEST, FEED_LARGEST = 15, 50  # ids of one page of a feed
_GOLDEN_RATIO = 0.6180339887


class Zipf:
    """A random source of ids out of `ids`; two sources with the same seed draw the same ids."""

    def __init__(self, ids: Sequence[int], *, exponent: float = 1.0, seed: int | None = None) -> None:
        if not ids:
            raise ValueError("There are no ids to draw from: seed the database first.")
        self._ids = _scattered(ids)
        self._weights = list(accumulate(1 / rank**exponent for rank in range(1, len(ids) + 1)))
        self._random = random.Random(seed)

    def draw(self, count: int) -> list[int]:
        """Return `count` ids, which may repeat."""
        return self._random.choices(self._ids, cum_weights=self._weights, k=count)

    def draw_one(self) -> int:
        return self.draw(1)[0]

    def draw_distinct(self, count: int) -> list[int]:
        """Return `count` different ids, or all ids if there are fewer; hot ids are likelier and come earlier."""
        drawn: dict[int, None] = {}
        while len(drawn) < min(count, len(self._ids)):
            drawn.update(dict.fromkeys(self.draw(count)))
        return list(drawn)[:count]

    def draw_feed(self) -> list[int]:
        """Return the ids of one page of a feed: FEED_SMALLEST to FEED_LARGEST different ids."""
        return self.draw_distinct(self._random.randint(FEED_SMALLEST, FEED_LARGEST))


def _scattered(ids: Sequence[int]) -> list[int]:
    """Return all ids in a fixed order in which neighbouring ids are far apart.

    The step is about the golden section of the length, and has no common divisor with it, so it reaches every id.
    """
    step = max(1, round(len(ids) * _GOLDEN_RATIO))
    while gcd(step, len(ids)) != 1:
        step += 1
    return [ids[position * step % len(ids)] for position in range(len(ids))]
