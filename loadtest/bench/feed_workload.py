"""A week of one feed: who asks, after which post, about how many of the newest ones. See README.md.

A community writes and reads at a steady pace. Its readers are those of one residue of the ids modulo the shards of the
earlier design: that design keeps nothing in common between two residues, so each is a twentieth of everything.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from loadtest.baselines.sharding import SHARDS
from loadtest.load.zipf import FEED_LARGEST, FEED_SMALLEST, Zipf

SAMPLE = 10  # the residue
POSTS_A_DAY, CHECKS_A_DAY = 0.5, 2  # of a user, on average
DAYS_BEFORE = 28  # for which there are posts when the week begins
SLICES_A_DAY = 2


class Check(NamedTuple):
    user_id: int
    post_ids: range


class Community(NamedTuple):
    """`users` with the ids from 1, watched for so many `days`; posts have the ids from 1, in the order of time."""

    users: int
    days: int

    @property
    def readers(self) -> range:
        return range(SAMPLE, self.users + 1, SHARDS)

    @property
    def posts(self) -> int:
        return self._written_in(DAYS_BEFORE + self.days)

    def slices(self) -> Iterator[list[Check]]:
        """Half a day each; always the same ones."""
        checks = list(self._checks())
        size = len(checks) // (self.days * SLICES_A_DAY)
        return (checks[start : start + size] for start in range(0, size * self.days * SLICES_A_DAY, size))

    def _checks(self) -> Iterator[Check]:
        chance = random.Random(5)
        count = CHECKS_A_DAY * self.days * len(self.readers)
        before, during = self._written_in(DAYS_BEFORE), self._written_in(self.days)
        for number, reader in enumerate(Zipf(self.readers, seed=5).draw(count)):
            newest = before + during * number // count
            yield Check(reader, range(newest, newest - chance.randint(FEED_SMALLEST, FEED_LARGEST), -1))

    def _written_in(self, days: int) -> int:
        return round(self.users * POSTS_A_DAY * days)
