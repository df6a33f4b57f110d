"""A session: what an app asks for from its opening to its end, and with which weights.

Locust (session.py) and the benchmark (bench/session_players.py) play the same sessions. Standard library only.
"""

import random
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from loadtest.load.accounts import API

# How often one session makes each request, on average. A session makes 15.7 of them, in this order.
WEIGHTS = {
    "popups/next": 1,
    "users/me": 1,
    "feed": 2,
    "users/{id}/posts": 1,
    "posts?ids": 1,
    "favorites/check": 2,
    "relationships": 1,
    "counters": 2,
    "users?ids": 2,
    "users/profiles": 1,
    "posts/{id}/comments": 1,
    "posts/{id}/like": 0.3,
    "posts/{id}/favorite": 0.1,
    "users/{id}/follow": 0.05,
    "ratings/{id}/score": 0.1,
    "POST posts/{id}/comments": 0.05,
    "popups/{id}/events": 0.1,
}
DEVICE = "platform=ios&app_version=3.2.0"
USUAL, ALWAYS_DUE = "home", "offer"
TEXTS = ("So true", "哈哈哈", "周末去爬山", "Sunset over the harbour 🌅")


class Ids(Protocol):
    """A source of ids, such as loadtest.load.zipf.Zipf."""

    def draw_one(self) -> int:
        """Return an id."""

    def draw_feed(self) -> Sequence[int]:
        """Return the ids of one page of a feed, each once."""


class Sources(NamedTuple):
    """Where ids come from; `owners` are the users whose home pages are read."""

    people: Ids
    owners: Ids
    posts: Ids
    items: Ids


class Request(NamedTuple):
    """A request of a session, by the path after /api/v1/; `kind` is its key in WEIGHTS."""

    kind: str
    method: str
    path: str
    body: dict[str, Any] | None = None


Play = Generator[Request, Any, None]
"""Yields requests; send() takes the document of the last answer, or None if it was an error."""


class Session:
    """One session of the user `caller_id`."""

    def __init__(self, caller_id: int, sources: Sources, source: random.Random) -> None:
        self._caller_id, self._sources, self._random = caller_id, sources, source
        self._next_page: str | None = None
        self._popup: dict[str, Any] | None = None

    def play(self) -> Play:
        """Yield the requests of the session. What needs an answer that did not come is left out."""
        times = {kind: self._times(weight) for kind, weight in WEIGHTS.items()}
        self._placement = ALWAYS_DUE if times["popups/{id}/events"] else USUAL
        for kind, count in times.items():
            for _ in range(count):
                request = self._request(kind)
                if request is not None:
                    self._remember(kind, (yield request))

    def _times(self, weight: float) -> int:
        return int(weight) + (self._random.random() < weight % 1)

    def _remember(self, kind: str, answer: Any) -> None:
        if kind == "feed":
            link = urlsplit((answer or {}).get("next") or "")
            self._next_page = f"{link.path.removeprefix(API)}?{link.query}" if link.query else None
        elif kind == "popups/next":
            self._popup = (answer or {}).get("popup")

    def _request(self, kind: str) -> Request | None:
        """Return the next request of a kind; the writes are PUTs, but for comments and events."""
        sources = self._sources
        if kind == "popups/{id}/events":
            return self._event(kind)
        if kind == "POST posts/{id}/comments":
            path = f"posts/{sources.posts.draw_one()}/comments"
            return Request(kind, "POST", path, {"text": self._random.choice(TEXTS)})
        if kind == "ratings/{id}/score":
            path = f"ratings/{sources.items.draw_one()}/score"
            return Request(kind, "PUT", path, {"score": self._random.randint(1, 10)})
        return Request(kind, "PUT" if WEIGHTS[kind] < 1 else "GET", self._path(kind))

    def _event(self, kind: str) -> Request | None:
        if self._popup is None:
            return None
        body = {"claim": self._popup["claim"], "type": "dismiss"}
        return Request(kind, "POST", f"popups/{self._popup['id']}/events", body)

    def _path(self, kind: str) -> str:
        if kind == "popups/next":
            return f"popups/next?placement={self._placement}&{DEVICE}"
        if kind == "feed":
            return self._next_page or "feed"
        if kind == "counters":
            return f"counters?targets={','.join(f'post:{pk}' for pk in self._sources.posts.draw_feed())}"
        if kind in ("posts?ids", "favorites/check"):
            return f"{kind.partition('?')[0]}?ids={_joined(self._sources.posts.draw_feed())}"
        if kind in ("relationships", "users?ids", "users/profiles"):
            return f"{kind.partition('?')[0]}?ids={_joined(self._sources.people.draw_feed())}"
        return kind.format(id=self._one(kind))

    def _one(self, kind: str) -> int:
        if kind == "users/{id}/follow":
            return self._other_user()
        return (self._sources.owners if kind == "users/{id}/posts" else self._sources.posts).draw_one()

    def _other_user(self) -> int:
        while (other := self._sources.people.draw_one()) == self._caller_id:
            pass
        return other


def _joined(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))
