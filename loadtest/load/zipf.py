"""Which ids are asked for: a few all the time, most hardly ever.

The id of rank r is drawn with weight 1/r (Zipf's law), as measured of what people look at; see Breslau et al., "Web
Caching and Zipf-like Distributions", 1999. Ranks are scattered over the ids, so that hot rows are no neighbours.
"""

import random
from collections.abc import Sequence
from itertools import accumulate
from math import gcd

FEED_SMALLEST, FEED_LARGEST = 15, 50
_GOLDEN = 0.6180339887


class Zipf:
    """Draws from `ids`; the same seed draws the same ids."""

    def __init__(self, ids: Sequence[int], *, exponent: float = 1.0, seed: int | None = None) -> None:
        if not ids:
            raise ValueError("There are no ids to draw from: seed the database first.")
        self._ids = _scattered(ids)
        self._weights = list(accumulate(1 / rank**exponent for rank in range(1, len(ids) + 1)))
        self._random = random.Random(seed)

    def draw(self, count: int) -> list[int]:
        return self._random.choices(self._ids, cum_weights=self._weights, k=count)

    def one(self) -> int:
        return self.draw(1)[0]

    def distinct(self, count: int) -> list[int]:
        """What a page shows: `count` different ids (or all there are), hot ones more likely and earlier."""
        found: dict[int, None] = {}
        while len(found) < min(count, len(self._ids)):
            found.update(dict.fromkeys(self.draw(count)))
        return list(found)[:count]

    def feed(self) -> list[int]:
        """The authors of one page of a feed: 15 to 50 different ids."""
        return self.distinct(self._random.randint(FEED_SMALLEST, FEED_LARGEST))


def _scattered(ids: Sequence[int]) -> list[int]:
    """All ids in a fixed order in which neighbours are far apart: steps of about the golden section."""
    step = max(1, round(len(ids) * _GOLDEN))
    while gcd(step, len(ids)) != 1:
        step += 1
    return [ids[position * step % len(ids)] for position in range(len(ids))]
