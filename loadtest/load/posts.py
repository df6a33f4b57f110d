"""A locust scenario of reading and writing posts: `locust -f loadtest/load/posts.py --host http://…`. See README.md.

Home pages are drawn by Zipf's law. The posts to read, like, favourite and comment on come from those pages.
"""

import random
from collections.abc import Sequence
from typing import Any

from locust import task

from loadtest.load.api_client import FORBIDDEN, NOT_FOUND, ApiClient
from loadtest.load.zipf import FEED_LARGEST, FEED_SMALLEST

UNAVAILABLE = (FORBIDDEN, NOT_FOUND)  # the post was deleted meanwhile, or its author blocks the caller
TEXTS = ("今天天气真好", "Coffee first", "周末去爬山", "Sunset over the harbour 🌅", "So true", "哈哈哈")


class PostReader(ApiClient):
    """A client that mostly reads home pages and feeds, and sometimes likes, favourites, comments or writes."""

    def on_start(self) -> None:
        super().on_start()
        self.marked: dict[str, list[int]] = {"like": [], "favorite": []}
        self.written: list[int] = []
        self.commented: list[int] = []

    @task(25)
    def scroll_home_page(self) -> None:
        self._scroll_home_page_of(self.shared.zipf.draw_one())

    @task(5)
    def scroll_own_home_page(self) -> None:
        self._scroll_home_page_of(self.account.id)

    @task(20)
    def read_feed_of_posts(self) -> None:
        if ids := self._feed():
            self.read_batch("posts", ids)

    @task(15)
    def check_favorites(self) -> None:
        if ids := self._feed():
            joined = ",".join(map(str, ids))
            with self.call("GET", f"favorites/check?ids={joined}", "favorites/check?ids={feed}") as answer:
                if answer.status_code == 200 and list(answer.json()["results"]) != [str(pk) for pk in ids]:
                    answer.failure("the answer has other ids than the request, or another order")

    @task(10)
    def read_post(self) -> None:
        if pk := self._random_post():
            with self.call("GET", f"posts/{pk}", "posts/{id}") as answer:
                if answer.status_code in UNAVAILABLE:
                    answer.success()
                elif answer.status_code == 200 and answer.json()["id"] != pk:
                    answer.failure("the answer is another post")

    @task(8)
    def scroll_comments(self) -> None:
        if pk := self._random_post():
            for _ in self.scroll(f"posts/{pk}/comments", "posts/{id}/comments", allowed=UNAVAILABLE):
                pass

    @task(4)
    def scroll_likers(self) -> None:
        if pk := self._random_post():
            for _ in self.scroll(f"posts/{pk}/likers", "posts/{id}/likers", allowed=UNAVAILABLE):
                pass

    @task(3)
    def scroll_favorites(self) -> None:
        for page in self.scroll("favorites", "favorites"):
            self._remember(page["results"])

    @task(8)
    def like(self) -> None:
        self._mark("like")

    @task(3)
    def unlike(self) -> None:
        self._unmark("like")

    @task(4)
    def favorite(self) -> None:
        self._mark("favorite")

    @task(2)
    def unfavorite(self) -> None:
        self._unmark("favorite")

    @task(4)
    def comment(self) -> None:
        if (pk := self._random_post()) and (created := self._write(f"posts/{pk}/comments", "posts/{id}/comments")):
            self.commented.append(created["id"])

    @task(1)
    def delete_comment(self) -> None:
        if self.commented:
            self._delete(f"comments/{self.commented.pop()}", "comments/{id}")

    @task(2)
    def publish(self) -> None:
        self._publish()

    @task(1)
    def repost(self) -> None:
        if pk := self._random_post():
            self._publish(repost_of=pk)

    @task(1)
    def delete_post(self) -> None:
        if self.written:
            self._delete(f"posts/{self.written.pop(0)}", "posts/{id}")

    def _scroll_home_page_of(self, owner: int) -> None:
        for page in self.scroll(f"users/{owner}/posts", "users/{id}/posts", allowed=UNAVAILABLE):
            self._remember(page["results"])

    def _remember(self, posts: Sequence[Any]) -> None:
        seen = self.shared.posts
        seen.extend(post["id"] for post in posts if post["id"] not in seen)

    def _feed(self) -> list[int]:
        """Return the newest posts that this process has seen, as many as a page of a feed shows; none at first."""
        return sorted(self.shared.posts, reverse=True)[: random.randint(FEED_SMALLEST, FEED_LARGEST)]

    def _random_post(self) -> int | None:
        return random.choice(self.shared.posts) if self.shared.posts else None

    def _mark(self, verb: str) -> None:
        if (pk := self._random_post()) and self._send_mark("PUT", pk, verb):
            self.marked[verb].append(pk)

    def _unmark(self, verb: str) -> None:
        if marked := self.marked[verb]:
            self._send_mark("DELETE", marked.pop(random.randrange(len(marked))), verb)

    def _send_mark(self, method: str, pk: int, verb: str) -> bool:
        """Return whether the server did it."""
        with self.call(method, f"posts/{pk}/{verb}", f"posts/{{id}}/{verb}") as answer:
            if answer.status_code in UNAVAILABLE:
                answer.success()
            elif answer.status_code == 200 and answer.json()["id"] != pk:
                answer.failure("the answer is about another post")
            return answer.status_code == 200

    def _publish(self, **fields: int) -> None:
        if created := self._write("posts", "posts", **fields):
            self.written.append(created["id"])
            self._remember([created])  # another client may have seen it before this answer arrived

    def _write(self, path: str, name: str, **fields: int) -> Any:
        """Return the created object; None if the server refused."""
        with self.call("POST", path, name, json={"text": random.choice(TEXTS), **fields}) as answer:
            if answer.status_code in UNAVAILABLE:
                answer.success()
            return answer.json() if answer.status_code == 201 else None

    def _delete(self, path: str, name: str) -> None:
        """Delete an own post or comment; it may have been deleted with its post, or by a client of the same account."""
        with self.call("DELETE", path, name) as answer:
            if answer.status_code == NOT_FOUND:
                answer.success()
