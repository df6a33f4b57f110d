"""The workload of the section `favorites`: a week of checks of favourites by the readers of one feed. See README.md.

A community writes and reads at a steady rate. Only the readers of one shard of the earlier design send requests: the
shards share no data, so one shard is a twentieth of the whole workload.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from loadtest.baselines.sharding import SHARDS
from loadtest.load.zipf import FEED_LARGEST, FEED_SMALLEST, Zipf

SAMPLED_SHARD = 10
POSTS_PER_DAY, CHECKS_PER_DAY = 0.5, 2  # of a user, on average
DAYS_BEFORE = 28  # days of posts that exist when the week begins
SLICES_PER_DAY = 2


class FavoritesCheck(NamedTuple):
    """A request: which of these posts are favourites of this user?"""

    user_id: int
    post_ids: range


class Community(NamedTuple):
    """`users` with the ids from 1 during `days`; posts have the ids from 1, oldest first."""

    users: int
    days: int

    @property
    def readers(self) -> range:
        """Ids of the users that send requests."""
        return range(SAMPLED_SHARD, self.users + 1, SHARDS)

    @property
    def posts(self) -> int:
        """Number of posts at the end of the week."""
        return self._posts_of(DAYS_BEFORE + self.days)

    def slices(self) -> Iterator[list[FavoritesCheck]]:
        """Yield the checks of each half day, in order; every call yields the same."""
        checks = list(self._checks())
        size = len(checks) // (self.days * SLICES_PER_DAY)
        return (checks[start : start + size] for start in range(0, size * self.days * SLICES_PER_DAY, size))

    def _checks(self) -> Iterator[FavoritesCheck]:
        generator = random.Random(5)
        count = CHECKS_PER_DAY * self.days * len(self.readers)
        before, during = self._posts_of(DAYS_BEFORE), self._posts_of(self.days)
        for number, reader in enumerate(Zipf(self.readers, seed=5).draw(count)):
            newest = before + during * number // count
            yield FavoritesCheck(reader, range(newest, newest - generator.randint(FEED_SMALLEST, FEED_LARGEST), -1))

    def _posts_of(self, days: int) -> int:
        return round(self.users * POSTS_PER_DAY * days)
