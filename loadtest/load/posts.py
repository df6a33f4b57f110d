"""A locust scenario of users who read and write posts: `locust -f loadtest/posts.py --host http://…`. See README.md.

Home pages are drawn by Zipf's law. What is read, liked, kept and commented on later are posts that were met there.
"""

import random
from collections.abc import Sequence
from typing import Any

from locust import task

from loadtest.load.api_client import FORBIDDEN, NOT_FOUND, Client
from loadtest.load.zipf import FEED_LARGEST, FEED_SMALLEST

GONE = (FORBIDDEN, NOT_FOUND)  # deleted meanwhile, or of somebody who blocks
WORDS = ("今天天气真好", "Coffee first", "周末去爬山", "Sunset over the harbour 🌅", "So true", "哈哈哈")


class PostReader(Client):
    """Scrolls home pages and feeds most of the time, answers now and then, and sometimes writes."""

    def on_start(self) -> None:
        super().on_start()
        self.marked: dict[str, list[int]] = {"like": [], "favorite": []}
        self.written: list[int] = []
        self.commented: list[int] = []

    @task(25)
    def scroll_home_page(self) -> None:
        self._scroll_home_page_of(self.crowd.zipf.one())

    @task(5)
    def scroll_own_home_page(self) -> None:
        self._scroll_home_page_of(self.account.id)

    @task(20)
    def read_feed_of_posts(self) -> None:
        if ids := self._feed():
            self.read_these("posts", ids)

    @task(15)
    def check_favorites(self) -> None:
        if ids := self._feed():
            asked = ",".join(map(str, ids))
            with self.call("GET", f"favorites/check?ids={asked}", "favorites/check?ids={feed}") as answer:
                if answer.status_code == 200 and list(answer.json()["results"]) != [str(pk) for pk in ids]:
                    answer.failure("the answer is not what was asked, in that order")

    @task(10)
    def read_post(self) -> None:
        if pk := self._one():
            with self.call("GET", f"posts/{pk}", "posts/{id}") as answer:
                if answer.status_code in GONE:
                    answer.success()
                elif answer.status_code == 200 and answer.json()["id"] != pk:
                    answer.failure("another post")

    @task(8)
    def scroll_comments(self) -> None:
        if pk := self._one():
            for _ in self.scroll(f"posts/{pk}/comments", "posts/{id}/comments", excused=GONE):
                pass

    @task(4)
    def scroll_likers(self) -> None:
        if pk := self._one():
            for _ in self.scroll(f"posts/{pk}/likers", "posts/{id}/likers", excused=GONE):
                pass

    @task(3)
    def scroll_favorites(self) -> None:
        for page in self.scroll("favorites", "favorites"):
            self._meet(page["results"])

    @task(8)
    def like(self) -> None:
        self._mark("like")

    @task(3)
    def unlike(self) -> None:
        self._take_back("like")

    @task(4)
    def keep(self) -> None:
        self._mark("favorite")

    @task(2)
    def keep_no_more(self) -> None:
        self._take_back("favorite")

    @task(4)
    def comment(self) -> None:
        if (pk := self._one()) and (made := self._write(f"posts/{pk}/comments", "posts/{id}/comments")):
            self.commented.append(made["id"])

    @task(1)
    def delete_comment(self) -> None:
        if self.commented:
            self._delete(f"comments/{self.commented.pop()}", "comments/{id}")

    @task(2)
    def publish(self) -> None:
        self._publish()

    @task(1)
    def repost(self) -> None:
        if pk := self._one():
            self._publish(repost_of=pk)

    @task(1)
    def delete_post(self) -> None:
        if self.written:
            self._delete(f"posts/{self.written.pop(0)}", "posts/{id}")

    def _scroll_home_page_of(self, owner: int) -> None:
        for page in self.scroll(f"users/{owner}/posts", "users/{id}/posts", excused=GONE):
            self._meet(page["results"])

    def _meet(self, posts: Sequence[Any]) -> None:
        met = self.crowd.posts
        met.extend(post["id"] for post in posts if post["id"] not in met)

    def _feed(self) -> list[int]:
        """The newest posts that the crowd has met, as many as a page of a feed shows; none at first."""
        return sorted(self.crowd.posts, reverse=True)[: random.randint(FEED_SMALLEST, FEED_LARGEST)]

    def _one(self) -> int | None:
        return random.choice(self.crowd.posts) if self.crowd.posts else None

    def _mark(self, verb: str) -> None:
        if (pk := self._one()) and self._change_mark("PUT", pk, verb):
            self.marked[verb].append(pk)

    def _take_back(self, verb: str) -> None:
        if marked := self.marked[verb]:
            self._change_mark("DELETE", marked.pop(random.randrange(len(marked))), verb)

    def _change_mark(self, method: str, pk: int, verb: str) -> bool:
        """Whether it was done."""
        with self.call(method, f"posts/{pk}/{verb}", f"posts/{{id}}/{verb}") as answer:
            if answer.status_code in GONE:
                answer.success()
            elif answer.status_code == 200 and answer.json()["id"] != pk:
                answer.failure("the marks of another post")
            return answer.status_code == 200

    def _publish(self, **more: int) -> None:
        if made := self._write("posts", "posts", **more):
            self.written.append(made["id"])
            self._meet([made])  # another may have met it before we were answered

    def _write(self, path: str, name: str, **more: int) -> Any:
        """What was made, or None where it was not allowed."""
        with self.call("POST", path, name, json={"text": random.choice(WORDS), **more}) as answer:
            if answer.status_code in GONE:
                answer.success()
            return answer.json() if answer.status_code == 201 else None

    def _delete(self, path: str, name: str) -> None:
        """One's own; it may be gone with the post, or with another client of the same account."""
        with self.call("DELETE", path, name) as answer:
            if answer.status_code == NOT_FOUND:
                answer.success()
