"""Demo items to rate, always the same ones: popular items, controversial items, and a few that nobody knows."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ratings.models import HIGHEST, LOWEST

PLACES = (
    ("湖边的茶馆", "龙井、点心和一只猫。"), ("Harbour Coffee", "Small cups, large windows."),
    ("老王面馆", "只有三种面，都好吃。"), ("The Long Walk Home", "A film of three hours, most of it rain."),
    ("山顶的日出", "要四点起床。"), ("Night Train", "A novel; nobody gets off."),
    ("城南电影院", "座位很旧，片子很新。"), ("Rooftop Garden", "Tomatoes, bees and a view."),
    ("周末集市", "早去早回。"), ("Blue Note Trio", "Every Thursday, standing room only."),
    ("小区游泳池", "夏天人太多。"), ("The Map Shop", "Paper only."),
)  # fmt: skip
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BRANCHES = 5  # items of each place
LEAST_KNOWN, BEST_KNOWN = 0.001, 0.6  # the share of users who have rated an item


class DemoItem(NamedTuple):
    """An item; `known` is the share of users who rate it, `liked` and `divided` are the mean and deviation."""

    number: int
    title: str
    description: str
    known: float
    liked: float
    divided: float

    @property
    def created_at(self) -> datetime:
        return BEGAN + timedelta(hours=self.number)

    def scores(self, users: int) -> Iterator[tuple[int, int]]:
        """Yield (user, score) of the users who rate the item; users are numbers from 0."""
        chance = random.Random(self.number)
        for user in range(users):
            if chance.random() < self.known:
                yield user, min(HIGHEST, max(LOWEST, round(chance.gauss(self.liked, self.divided))))


def items() -> Iterator[DemoItem]:
    """Yield all demo items."""
    chance = random.Random(20240104)
    for number in range(BRANCHES * len(PLACES)):
        branch, which = divmod(number, len(PLACES))
        title, description = PLACES[which]
        yield DemoItem(
            number,
            f"{title} {branch + 1}" if branch else title,
            description,
            known=LEAST_KNOWN * (BEST_KNOWN / LEAST_KNOWN) ** chance.random(),
            liked=chance.uniform(LOWEST + 2, HIGHEST),
            divided=chance.uniform(0.5, 3.5),
        )
