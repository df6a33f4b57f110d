"""Users who follow and block each other over HTTP as fast as they are answered, while servers are killed."""

import contextlib
import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rest_framework_simplejwt.tokens import AccessToken

TIMEOUT_S = 30
# Weighted so that most pairs are free to follow each other.
WRITES = {
    ("PUT", "follow"): 5,
    ("DELETE", "follow"): 3,
    ("DELETE", "follower"): 1,
    ("PUT", "block"): 1,
    ("DELETE", "block"): 4,
}
EXPECTED = (200, 403)  # 403: one of the two blocks the other


class Crowd:
    """Threads (`clients`) that write edges among `people`; `answers` counts the answers by outcome."""

    def __init__(self, port: int, people: Sequence[Any], clients: int) -> None:
        self._port = port
        self.ids = [person.pk for person in people]
        self._tokens = {person.pk: str(AccessToken.for_user(person)) for person in people}
        self.answers: Counter[str] = Counter()
        self._over = threading.Event()
        self._turns = [threading.Lock() for _ in range(clients)]  # each held during one request

    @contextlib.contextmanager
    def at_work(self) -> Iterator["Crowd"]:
        threads = [threading.Thread(target=self._write, args=(turn,)) for turn in self._turns]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """Pause the clients: no request is in progress during the block."""
        with contextlib.ExitStack() as stack:
            for turn in self._turns:
                stack.enter_context(turn)
            yield

    def ask(self, method: str, path: str, by: int) -> tuple[int, Any]:
        """Return (status, document); OSError or HTTPException if the server dies."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request(method, f"/api/v1/{path}", headers={"Authorization": f"Bearer {self._tokens[by]}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def _write(self, turn: threading.Lock) -> None:
        while not self._over.is_set():
            one, other = random.sample(self.ids, 2)
            ((method, edge),) = random.choices([*WRITES], weights=[*WRITES.values()])
            with turn:
                self.answers[self._outcome(method, f"users/{other}/{edge}", one)] += 1

    def _outcome(self, method: str, path: str, by: int) -> str:
        try:
            status, _ = self.ask(method, path, by)
        except (OSError, http.client.HTTPException):
            return "died"
        return "done" if status in EXPECTED else str(status)
