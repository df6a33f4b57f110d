"""A locust scenario of whole sessions: `locust -f loadtest/load/session.py --host http://…`. See README.md.

Each task is a session of session_mix.py. Posts and rated items come from earlier answers. For popups the server needs
one at the placement `home`, and one at `offer` that is shown again at once, which a tenth of the sessions dismiss.
"""

import random
from collections import deque
from typing import Any

from locust import task

from loadtest.load.api_client import FORBIDDEN, NOT_FOUND, ApiClient
from loadtest.load.session_mix import Request, Session, Sources
from loadtest.load.zipf import FEED_LARGEST, FEED_SMALLEST

UNAVAILABLE = (FORBIDDEN, NOT_FOUND)  # deleted meanwhile, or behind a block


class Seen:
    """Ids seen in answers, the latest of them, as a source for a session."""

    def __init__(self, ids: deque[int]) -> None:
        self._ids = ids

    def draw_one(self) -> int:
        return random.choice(self._ids)

    def draw_feed(self) -> list[int]:
        known = list(dict.fromkeys(self._ids))
        return random.sample(known, min(len(known), random.randint(FEED_SMALLEST, FEED_LARGEST)))


class AppUser(ApiClient):
    """A user who opens the app, reads, sometimes likes, and leaves."""

    def on_start(self) -> None:
        super().on_start()
        shared = self.shared
        self.sources = Sources(shared.zipf, shared.zipf, Seen(shared.posts), Seen(shared.items))
        self._create("posts", {"text": "Hello"}, shared.posts)
        self._create("ratings", {"title": "Tea house"}, shared.items)

    @task
    def session(self) -> None:
        play = Session(self.account.id, self.sources, random.Random()).play()
        request = next(play)
        while True:
            answer = self._send(request)
            if request.kind in ("feed", "users/{id}/posts") and answer:
                self.shared.posts.extend(post["id"] for post in answer["results"])
            try:
                request = play.send(answer)
            except StopIteration:
                return
            self.wait()

    def _create(self, path: str, body: dict[str, str], created: deque[int]) -> None:
        """Create something to begin with, unless answers have shown some."""
        if not created:
            with self.call("POST", path, path, json=body) as answer:
                created.append(answer.json()["id"])

    def _send(self, request: Request) -> Any:
        name = request.kind.removeprefix("POST ")
        options = {} if request.body is None else {"json": request.body}
        with self.call(request.method, request.path, name, **options) as answer:
            if answer.status_code in UNAVAILABLE and "{id}" in request.kind:
                answer.success()
            return answer.json() if answer.status_code in (200, 201) else None
