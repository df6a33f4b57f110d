"""A locust scenario of follows and relationships: `locust -f loadtest/load/social.py --host http://…`. See README.md.

Users to follow are drawn by Zipf's law, so that a few are celebrities. Lists are read for a few pages.
"""

import random

from locust import task

from loadtest.load.api_client import FORBIDDEN, NOT_FOUND, ApiClient


class SocialUser(ApiClient):
    """A client that mostly reads profiles, relationships and lists, and sometimes follows, unfollows or blocks."""

    def on_start(self) -> None:
        super().on_start()
        self.followed: list[int] = []

    @task(30)
    def read_profiles(self) -> None:
        self.read_feed("users/profiles")

    @task(20)
    def read_relationships(self) -> None:
        self.read_feed("relationships")

    @task(15)
    def read_counters(self) -> None:
        targets = [f"user:{pk}" for pk in self.shared.zipf.draw_feed()]
        with self.call("GET", f"counters?targets={','.join(targets)}", "counters?targets={feed}") as answer:
            if answer.status_code == 200 and list(answer.json()["results"]) != targets:
                answer.failure("the answer has other ids than the request, or another order")

    @task(10)
    def scroll_followers(self) -> None:
        self._scroll(f"users/{self.shared.zipf.draw_one()}/followers", "users/{id}/followers")

    @task(5)
    def scroll_following(self) -> None:
        self._scroll(f"users/{self.shared.zipf.draw_one()}/following", "users/{id}/following")

    @task(3)
    def scroll_friends(self) -> None:
        self._scroll("users/me/friends", "users/me/friends")

    @task(8)
    def follow(self) -> None:
        other = self._other_user()
        if self._write("PUT", other, "follow"):
            self.followed.append(other)

    @task(4)
    def unfollow(self) -> None:
        if self.followed:
            self._write("DELETE", self.followed.pop(random.randrange(len(self.followed))), "follow")

    @task(1)
    def block_and_unblock(self) -> None:
        other = self._other_user()
        if self._write("PUT", other, "block"):
            self._write("DELETE", other, "block")

    def _other_user(self) -> int:
        while (other := self.shared.zipf.draw_one()) == self.account.id:
            pass
        return other

    def _write(self, method: str, other: int, edge: str) -> bool:
        """Return whether the server did it; it refuses if the other user is deleted or one blocks the other."""
        with self.call(method, f"users/{other}/{edge}", f"users/{{id}}/{edge}") as answer:
            if answer.status_code in (FORBIDDEN, NOT_FOUND):
                answer.success()
            elif answer.status_code == 200 and answer.json()["id"] != other:
                answer.failure("the answer is the relationship to another user")
            return answer.status_code == 200

    def _scroll(self, path: str, name: str) -> None:
        for _ in self.scroll(path, name, allowed=(FORBIDDEN, NOT_FOUND)):
            pass
