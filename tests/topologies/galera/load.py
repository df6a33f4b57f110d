"""Clients that write over HTTP and repeat what was not acknowledged, and what they were told."""

import http.client
import json
import threading
import time
from typing import Any

from rest_framework_simplejwt.tokens import AccessToken

from users.models import User

TIME_LIMIT_S = 10
PAUSE_S = 0.05
LONGEST_S = 60


class Writer(threading.Thread):
    """A user who publishes posts and follows others, one request after the other.

    `posts` and `followed` are what was acknowledged; `unsure` is the request whose answer the end of the test cut off.
    """

    def __init__(self, port: int, user_id: int, others: list[int]) -> None:
        super().__init__(daemon=True)
        self.user_id, self.posts, self.followed = user_id, [], set()
        self.acknowledged_at: list[float] = []
        self.refusals: list[int] = []
        self._port, self._others = port, others
        self._token = str(AccessToken.for_user(User(pk=user_id)))
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        number = 0
        while not self._stopped.is_set():
            other = self._others[number % len(self._others)]
            text = f"{self.user_id} {number}"
            self._until_done("POST", "posts", {"text": text}, {"Idempotency-Key": text.replace(" ", "-")})
            self.posts.append(text)
            follows = number // len(self._others) % 2 == 0
            self._until_done("PUT" if follows else "DELETE", f"users/{other}/follow")
            (self.followed.add if follows else self.followed.discard)(other)
            number += 1

    def _until_done(self, method: str, path: str, body: Any = None, headers: Any = ()) -> None:
        while (status := self._send(method, path, body, dict(headers))) >= 300:
            assert status in {409, 503, 599}, status
            self.refusals.append(status)
            time.sleep(PAUSE_S)
        self.acknowledged_at.append(time.monotonic())

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIME_LIMIT_S)
        own = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            connection.request(method, f"/api/v1/{path}", json.dumps(body) if body else None, own | headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return 599
        finally:
            connection.close()


def longest_pause_s(writers: list[Writer], begin: float, end: float) -> float:
    """Return the longest time between two acknowledged writes of anybody."""
    times = sorted(at for writer in writers for at in writer.acknowledged_at if begin <= at <= end)
    return max(after - before for before, after in zip([begin, *times], [*times, end], strict=True))
