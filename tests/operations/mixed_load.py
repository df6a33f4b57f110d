"""Users who write and read over HTTP without a pause, and remember each write that was acknowledged."""

import json
import threading
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, NamedTuple

PASSWORD = "correct-horse-battery"
MARK = "round "


class Acknowledged(NamedTuple):
    """A write that was answered as done: what, by whom, and its id or number."""

    what: str
    user_id: int
    value: int


class MixedLoad:
    """A thread for each user. `acknowledged` grows; its length at a moment is what was acknowledged until then."""

    def __init__(self, port: int, users: int) -> None:
        self.port = port
        self.acknowledged: list[Acknowledged] = []
        self.failures: list[Any] = []
        self._stopped = threading.Event()
        self.ids: list[int] = []
        with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            for number in range(users):
                account = {"username": f"player{number}", "password": PASSWORD, "nickname": MARK + "0"}
                status, user = call(connection, "POST", "users", account)
                assert status == 201, user
                self.ids.append(user["id"])
        self._threads = [threading.Thread(target=self._play, args=[number]) for number in range(users)]

    def __enter__(self) -> "MixedLoad":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _play(self, number: int) -> None:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            self._play_on(connection, number, self.ids[number])

    def _play_on(self, connection: HTTPConnection, number: int, own: int) -> None:
        token = log_in(connection, number)
        others, rounds = [each for each in self.ids if each != own], 0
        while not self._stopped.is_set():
            rounds += 1
            self._do("name", own, rounds, connection, "PATCH", "users/me", {"nickname": f"{MARK}{rounds}"}, token)
            call(connection, "GET", "users?ids=" + ",".join(map(str, self.ids)), None, token)
            if rounds <= len(others):
                other = others[rounds - 1]
                self._do("follow", own, other, connection, "PUT", f"users/{other}/follow", None, token)
            post = self._do("post", own, None, connection, "POST", "posts", {"text": f"{MARK}{rounds}"}, token)
            if post:
                self._do("like", own, post["id"], connection, "PUT", f"posts/{post['id']}/like", None, token)
                call(connection, "GET", f"counters?targets=post:{post['id']},user:{own}", None, token)
            shown = call(connection, "GET", "popups/next?placement=home", None, token)[1].get("popup")
            if shown:
                self.acknowledged.append(Acknowledged("shown", own, shown["id"]))

    def _do(self, what: str, own: int, value: int | None, *request: Any) -> Any:
        status, document = call(*request)
        if status >= 300:
            self.failures.append((what, status, document))
            return None
        self.acknowledged.append(Acknowledged(what, own, document["id"] if value is None else value))
        return document


def call(connection: HTTPConnection, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
    """Return the status and the document of an answer."""
    headers = {"Host": "localhost", "Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    connection.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
    reply = connection.getresponse()
    return reply.status, json.loads(reply.read() or b"{}")


def log_in(connection: HTTPConnection, number: int) -> str:
    """Return an access token of the user of this number."""
    account = {"username": f"player{number}", "password": PASSWORD}
    token: str = call(connection, "POST", "auth/token", account)[1]["access"]
    return token
