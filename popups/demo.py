"""Demo popups, and their demo events of the last weeks."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

POPUPS: tuple[dict[str, Any], ...] = (
    {
        "title": "茶会 · Tea this weekend", "body": "周末来喝茶吧。\nCome for a cup, all are welcome.",
        "image": "https://images.example/tea.png", "link": "https://hotpath.example/tea", "priority": 10,
        "languages": "zh, en",
    },
    {
        "title": "Version 3 is here", "body": "Update to get the new home page.", "link": "app://update",
        "platforms": "ios, android", "max_version": "2.99", "priority": 20, "reshow_hours": 72.0,
    },
    {
        "title": "A gift for our VIPs", "body": "Thank you for being with us. 谢谢！", "link": "app://gift",
        "vip": "only", "user_cap": 1, "total_cap": 500,
    },
    {
        "title": "Try the new search", "body": "Half of you see this, always the same half.", "percentage": 50,
        "min_level": 2, "link": "app://search",
    },
    {
        "title": "Complete your profile", "body": "People with a picture get more followers.", "placement": "profile",
        "link": "app://profile", "user_cap": 3,
    },
)  # fmt: skip
DAYS = range(2, 21)  # ago: no demo user is in a re-show interval or a cooldown of these popups today
MAX_PER_DAY = 30


class Showing(NamedTuple):
    """A demo showing. `popup` and `user` are numbers from 0; `outcome` is "click", "dismiss" or ""."""

    popup: int
    user: int
    days_ago: int
    second: int
    outcome: str


def showings(users: int) -> Iterator[Showing]:
    """Return demo showings to a number of users, always the same ones; no user is shown a popup twice."""
    chance = random.Random(20240104)
    for popup in range(len(POPUPS)):
        guests = iter(chance.sample(range(users), users))
        for days_ago in reversed(DAYS):
            for _, user in zip(range(chance.randint(MAX_PER_DAY // 3, MAX_PER_DAY)), guests, strict=False):
                outcome = chance.choices(("click", "dismiss", ""), (2 + popup, 6, 3))[0]
                yield Showing(popup, user, days_ago, chance.randrange(24 * 3_600), outcome)
