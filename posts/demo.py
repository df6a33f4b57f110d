"""Demo posts, always the same ones: many users like a few of them, and few users like the others.

Users write one after the other; each post gets likes, favourites and comments from users who joined before the author.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

TEXTS = (
    "今天天气真好，去公园走走。", "Coffee first, then code.", "新的一天，新的开始！", "Does anybody know a good book?",
    "周末去爬山，有人一起吗？", "Sunset over the harbour 🌅", "终于下班了。", "Learning to cook. The kitchen survived.",
    "这部电影值得一看。", "Ran ten kilometres today.", "猫又把杯子推下去了 🐈", "Rain again. Reading instead.",
)  # fmt: skip
COMMENTS = (
    "说得好！",
    "So true.",
    "哈哈哈",
    "Where was that?",
    "加油！",
    "I was there too.",
    "❤️",
    "Thanks for sharing.",
)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
MOST_POSTS, MOST_LIKES = 60, 30


class DemoPost(NamedTuple):
    """A post; users are numbers from 0. `repost_of` tells how many posts before it the original of a repost is."""

    author: int
    text: str
    minute: int
    repost_of: int | None
    likers: list[int]
    keepers: list[int]
    comments: list[tuple[int, str]]

    @property
    def created_at(self) -> datetime:
        return BEGAN + timedelta(minutes=self.minute)


def posts(users: int) -> Iterator[DemoPost]:
    """Yield the posts of `users` users, oldest first."""
    chance = random.Random(20240103)
    count = 0
    for author in range(users):
        for _ in range(_few(chance, 1.2, MOST_POSTS) - 1):
            fans = sorted({chance.randrange(author) for _ in range(_few(chance, 0.9, MOST_LIKES))} if author else ())
            yield DemoPost(
                author,
                chance.choice(TEXTS),
                minute=count,
                repost_of=chance.randint(1, min(count, 100)) if count and chance.random() < 0.1 else None,
                likers=fans,
                keepers=[fan for fan in fans if chance.random() < 0.3],
                comments=[(fan, chance.choice(COMMENTS)) for fan in fans if chance.random() < 0.2],
            )
            count += 1


def _few(chance: random.Random, shape: float, most: int) -> int:
    """Return a number from 1 to `most`; the smaller the shape, the longer the tail of the distribution."""
    return min(most, int(chance.paretovariate(shape)))
