"""A locust scenario of users who rate: `locust -f loadtest/ratings.py --host http://…`. See README.md.

Everybody rates what is new; which of the items met lately is drawn by Zipf's law, so that one thing has most of them.
"""

import random
from typing import Any

from locust import task

from loadtest.load.api_client import NOT_FOUND, Client
from loadtest.load.zipf import FEED_LARGEST, FEED_SMALLEST, Zipf

TOO_FAST = 409
TITLES = ("湖边的茶馆", "Harbour Coffee", "老王面馆", "Night Train", "山顶的日出", "The Map Shop")
LOWEST, HIGHEST = 1, 10


class Rater(Client):
    """Looks at items, rates them, thinks better of it, and now and then has something new to rate."""

    def on_start(self) -> None:
        super().on_start()
        self.rated: list[int] = []
        if not self.crowd.items:
            self.publish()

    @task(30)
    def read_feed_of_items(self) -> None:
        if ids := self._feed():
            self.read_these("ratings", ids)

    @task(20)
    def read_item(self) -> None:
        if pk := self._one():
            with self.call("GET", f"ratings/{pk}", "ratings/{id}") as answer:
                self._judge(answer, pk)

    @task(40)
    def rate(self) -> None:
        if (pk := self._one()) and self._rate(pk):
            self.rated.append(pk)

    @task(10)
    def change(self) -> None:
        if self.rated:
            self._rate(random.choice(self.rated))

    @task(4)
    def withdraw(self) -> None:
        if self.rated:
            pk = self.rated.pop(random.randrange(len(self.rated)))
            with self.call("DELETE", f"ratings/{pk}/score", "ratings/{id}/score") as answer:
                self._judge(answer, pk)

    @task(1)
    def publish(self) -> None:
        with self.call("POST", "ratings", "ratings", json={"title": random.choice(TITLES)}) as answer:
            if answer.status_code == 201:
                self.crowd.items.append(answer.json()["id"])

    def _feed(self) -> list[int]:
        """The newest items that the crowd has made, as many as a page of a feed shows."""
        return sorted(self.crowd.items, reverse=True)[: random.randint(FEED_SMALLEST, FEED_LARGEST)]

    def _one(self) -> int | None:
        return Zipf(self.crowd.items).one() if self.crowd.items else None

    def _rate(self, pk: int) -> bool:
        """Whether it was taken; another client of the same account may be at it."""
        body = {"score": random.randint(LOWEST, HIGHEST)}
        with self.call("PUT", f"ratings/{pk}/score", "ratings/{id}/score", json=body) as answer:
            if answer.status_code == TOO_FAST:
                answer.success()
            return self._judge(answer, pk)

    def _judge(self, answer: Any, pk: int) -> bool:
        """Whether there is an item, whose numbers agree; the staff may have deleted it."""
        if answer.status_code == NOT_FOUND:
            answer.success()
        if answer.status_code != 200:
            return False
        item = answer.json()
        if item["id"] != pk:
            answer.failure("another item")
        elif sum(item["histogram"].values()) != item["count"]:
            answer.failure("the histogram does not sum to the count")
        return True
