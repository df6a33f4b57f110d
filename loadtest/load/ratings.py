"""A locust scenario of clients that rate: `locust -f loadtest/load/ratings.py --host http://…`. See README.md.

Clients rate the items that were created during the run. The item is drawn by Zipf's law, so that one item gets most of
the ratings.
"""

import random
from typing import Any

from locust import task

from loadtest.load.api_client import NOT_FOUND, ApiClient
from loadtest.load.zipf import FEED_LARGEST, FEED_SMALLEST, Zipf

CONFLICT = 409
TITLES = ("湖边的茶馆", "Harbour Coffee", "老王面馆", "Night Train", "山顶的日出", "The Map Shop")
MIN_SCORE, MAX_SCORE = 1, 10


class Rater(ApiClient):
    """A client that reads and rates items, changes and withdraws scores, and sometimes creates an item."""

    def on_start(self) -> None:
        super().on_start()
        self.rated: list[int] = []
        if not self.shared.items:
            self.publish()

    @task(30)
    def read_feed_of_items(self) -> None:
        if ids := self._feed():
            self.read_batch("ratings", ids)

    @task(20)
    def read_item(self) -> None:
        if pk := self._random_item():
            with self.call("GET", f"ratings/{pk}", "ratings/{id}") as answer:
                self._is_valid(answer, pk)

    @task(40)
    def rate(self) -> None:
        if (pk := self._random_item()) and self._rate(pk):
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
                self._is_valid(answer, pk)

    @task(1)
    def publish(self) -> None:
        with self.call("POST", "ratings", "ratings", json={"title": random.choice(TITLES)}) as answer:
            if answer.status_code == 201:
                self.shared.items.append(answer.json()["id"])

    def _feed(self) -> list[int]:
        """Return the newest items that this process has created, as many as a page of a feed shows."""
        return sorted(self.shared.items, reverse=True)[: random.randint(FEED_SMALLEST, FEED_LARGEST)]

    def _random_item(self) -> int | None:
        return Zipf(self.shared.items).draw_one() if self.shared.items else None

    def _rate(self, pk: int) -> bool:
        """Return whether the score was taken; it is refused if a client of the same account rates at the same time."""
        body = {"score": random.randint(MIN_SCORE, MAX_SCORE)}
        with self.call("PUT", f"ratings/{pk}/score", "ratings/{id}/score", json=body) as answer:
            if answer.status_code == CONFLICT:
                answer.success()
            return self._is_valid(answer, pk)

    def _is_valid(self, answer: Any, pk: int) -> bool:
        """Return whether the answer is an item, and check its numbers; an admin may have deleted the item."""
        if answer.status_code == NOT_FOUND:
            answer.success()
        if answer.status_code != 200:
            return False
        item = answer.json()
        if item["id"] != pk:
            answer.failure("the answer is another item")
        elif sum(item["histogram"].values()) != item["count"]:
            answer.failure("the histogram does not sum to the count")
        return True
