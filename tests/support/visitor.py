"""A visitor who uses every endpoint of the API over HTTP, in rounds."""

import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

from tests.support.cast import PASSWORD

TIMEOUT_S = 40.0


class Outcome(NamedTuple):
    """A request and its answer; the status is 0 and the body an error if the connection broke."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def operation(self) -> tuple[str, str]:
        """The method, and the path with {} for each number."""
        return self.method, re.sub(r"\d+", "{}", self.path.partition("?")[0])


class Visitor:
    """Keeps the accounts `name` and `name`b, logged in, and a connection to a server, which may be another one later.

    What a round creates is used by the requests after it, and by the next rounds where a creation fails.
    """

    def __init__(self, port: int, name: str) -> None:
        self.port, self.name = port, name
        self._connection: HTTPConnection | None = None
        self.ids = {"post": 1, "comment": 1, "item": 1, "popup": 1, "login": 1}
        self.ids["own"], self.ids["other"] = (self._register(each) for each in (name, f"{name}b"))
        self.tokens = self.log_in()
        self._rounds = 0

    def _register(self, username: str) -> int:
        account = {"username": username, "password": PASSWORD}
        done = self.ask("POST", "users", account, by="")
        assert done.status == 201, done
        user_id: int = done.body["id"]
        return user_id

    def log_in(self) -> dict[str, str]:
        """Return the tokens of a new login."""
        done = self.ask("POST", "auth/token", {"username": self.name, "password": PASSWORD}, by="")
        assert done.status == 200, done
        tokens: dict[str, str] = done.body
        return tokens

    def ask(self, method: str, path: str, body: Any = None, *, by: str | None = None) -> Outcome:
        """Send one request, by the visitor's access token or another, and return what came of it."""
        token = self.tokens["access"] if by is None else by
        headers = {"Host": "localhost", "Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        try:
            if self._connection is None:
                self._connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
            self._connection.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
            reply = self._connection.getresponse()
            text = reply.read()
        except (OSError, HTTPException) as error:
            self.leave()
            return Outcome(method, path, 0, {}, repr(error))
        named = {name.lower(): value for name, value in reply.getheaders()}
        return Outcome(method, path, reply.status, named, json.loads(text) if text else None)

    def leave(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def move(self, port: int) -> None:
        """Send what follows to another server."""
        self.leave()
        self.port = port

    def round(self) -> Iterator[Outcome]:
        """Use every endpoint but those of accounts once, and yield what came of each request."""
        self._rounds += 1
        yield from self._posts()
        yield from self._people()
        yield from self._ratings()
        yield from self._popups()
        yield from self._own_account()

    def _create(self, what: str, path: str, body: Any) -> Outcome:
        done = self.ask("POST", path, body)
        if done.status == 201:
            self.ids[what] = done.body["id"]
        return done

    def _posts(self) -> Iterator[Outcome]:
        yield self._create("post", "posts", {"text": f"Round {self._rounds}"})
        post, own = self.ids["post"], self.ids["own"]
        for kind in ("like", "favorite"):
            yield self.ask("PUT", f"posts/{post}/{kind}")
        yield self._create("comment", f"posts/{post}/comments", {"text": "And on"})
        for path in (f"posts?ids={post}", f"posts/{post}", f"posts/{post}/likers", f"posts/{post}/comments",
                     f"users/{own}/posts", "feed", "favorites", f"favorites/check?ids={post}"):  # fmt: skip
            yield self.ask("GET", path)
        for kind in ("like", "favorite"):
            yield self.ask("DELETE", f"posts/{post}/{kind}")
        yield self.ask("DELETE", f"comments/{self.ids['comment']}")
        yield self.ask("DELETE", f"posts/{post}")

    def _people(self) -> Iterator[Outcome]:
        other, own = self.ids["other"], self.ids["own"]
        for method, edge in (("PUT", "follow"), ("DELETE", "follow"), ("DELETE", "follower"), ("PUT", "block"),
                             ("DELETE", "block"), ("PUT", "follow")):  # fmt: skip
            yield self.ask(method, f"users/{other}/{edge}")
        for path in (f"users/{other}/followers", f"users/{own}/following", "users/me/friends", "users/me/blocks",
                     f"users/profiles?ids={other}", f"relationships?ids={other}", f"users/{other}",
                     f"users?ids={own},{other}", f"users?username={self.name}", f"users/search?q={self.name}",
                     f"users/{other}/state", f"counters?targets=user:{own},user:{other}"):  # fmt: skip
            yield self.ask("GET", path)
        yield self.ask("POST", "reports", {"kind": "user", "id": other, "reason": "spam"})

    def _ratings(self) -> Iterator[Outcome]:
        yield self._create("item", "ratings", {"title": f"Round {self._rounds}"})
        item = self.ids["item"]
        yield self.ask("PUT", f"ratings/{item}/score", {"score": 1 + self._rounds % 10})
        yield self.ask("GET", f"ratings?ids={item}")
        yield self.ask("GET", f"ratings/{item}")
        yield self.ask("DELETE", f"ratings/{item}/score")

    def _popups(self) -> Iterator[Outcome]:
        shown = self.ask("GET", "popups/next?placement=home")
        yield shown
        popup = (shown.body or {}).get("popup") if shown.status == 200 else None
        claim = popup["claim"] if popup else "x"
        yield self.ask("POST", f"popups/{popup['id'] if popup else 1}/events", {"claim": claim, "type": "click"})

    def _own_account(self) -> Iterator[Outcome]:
        yield self.ask("GET", "users/me")
        yield self.ask("PATCH", "users/me", {"nickname": f"Round {self._rounds}"})
        yield self.ask("PATCH", "users/me/state", {"status": "away", "message": f"Round {self._rounds}"})
        yield self.ask("GET", "users/me/sessions")
        yield self.ask("GET", "users/me/export")

    def accounts(self) -> Iterator[Outcome]:
        """Use the endpoints of accounts, which compute hashes of passwords, with an account that is deleted at last."""
        self._rounds += 1
        name = f"{self.name}.{self._rounds}"
        account = {"username": name, "password": PASSWORD}
        yield self.ask("POST", "users", account, by="")
        logged_in = self.ask("POST", "auth/token", account, by="")
        yield logged_in
        tokens = logged_in.body if logged_in.status == 200 else {"access": "x", "refresh": "x"}
        renewed = self.ask("POST", "auth/token/refresh", {"refresh": tokens["refresh"]}, by="")
        yield renewed
        yield self.ask("POST", "users/me/email", {"email": f"{name}@example.com", "password": PASSWORD},
                       by=tokens["access"])  # fmt: skip
        yield self.ask("POST", "auth/password/reset", {"email": f"{name}@example.com"}, by="")
        yield self.ask("POST", "auth/password/reset/confirm", {"token": "x", "password": PASSWORD}, by="")
        yield self.ask("POST", "auth/email/confirm", {"token": "x"}, by="")
        changed = self.ask("POST", "users/me/password", {"old": PASSWORD, "new": PASSWORD}, by=tokens["access"])
        yield changed
        tokens = changed.body if changed.status == 200 else tokens
        sessions = self.ask("GET", "users/me/sessions", by=tokens["access"])
        if sessions.status == 200:
            self.ids["login"] = sessions.body["results"][0]["id"]
        yield self.ask("DELETE", f"users/me/sessions/{self.ids['login']}", by=tokens["access"])
        yield self.ask("POST", "auth/logout", {"refresh": tokens["refresh"]}, by="")
        logged_in = self.ask("POST", "auth/token", account, by="")
        access = logged_in.body["access"] if logged_in.status == 200 else "x"
        yield self.ask("DELETE", "users/me", {"password": PASSWORD}, by=access)
