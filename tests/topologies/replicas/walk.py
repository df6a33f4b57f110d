"""A random walk over all operations of the HTTP contract, made on a site with a replica and on one without.

Both begin with equal tables, and get the same requests in the same order, so their answers are equal: any difference is
a read that the replica should not have answered. The requests to the site with a replica go to its hosts in turn.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from tests.topologies.replicas.hosts import PASSWORD, Host, Reply, Site


class Step(NamedTuple):
    """A request; its path has the names of the schema's parameters."""

    operation: str
    path: str
    body: Any = None
    headers: dict[str, str] = {}


class Side:
    """A site under test: its hosts in turn, and what its answers gave that the other side has in another form."""

    def __init__(self, hosts: list[Host]) -> None:
        self.hosts, self.turn = hosts, 0
        self.tokens: dict[str, str] = {}
        self.refresh: dict[str, str] = {}
        self.cursors: dict[tuple[str, str], str] = {}
        self.claims: list[str] = ["nonsense"]

    def send(self, step: Step, by: str) -> Reply:
        self.turn += 1
        body = {key: self._own(by, value) for key, value in step.body.items()} if step.body else step.body
        path = step.path.replace("CURSOR", self.cursors.get((by, _list_of(step.path)), ""))
        method = step.operation.partition(" ")[0]
        token = self.tokens.get(by)
        reply = self.hosts[self.turn % len(self.hosts)].request(method, path, body, token, **step.headers)
        self._learn(step, by, reply)
        return reply

    def _own(self, by: str, value: Any) -> Any:
        own = {"REFRESH": self.refresh.get(by, "nonsense"), "CLAIM": self.claims[-1]}
        return own.get(value, value) if isinstance(value, str) else value

    def _learn(self, step: Step, by: str, reply: Reply) -> None:
        found = reply.json if isinstance(reply.json, dict) else {}
        name = step.body["username"] if step.operation == "POST auth/token" else by
        if "access" in found:
            self.tokens[name] = found["access"]
        if "refresh" in found:
            self.refresh[name] = found["refresh"]
        if found.get("next"):
            self.cursors[by, _list_of(step.path)] = quote(parse_qs(urlsplit(found["next"]).query)["cursor"][0])
        if popup := found.get("popup"):
            self.claims.append(popup["claim"])


def _list_of(path: str) -> str:
    """Return the path of a list without what names the page."""
    return path.partition("limit=")[0]


class Walk:
    """Chooses the requests, out of what the answers so far have shown to exist."""

    def __init__(self, site: Site, seed: int) -> None:
        self.random = random.Random(seed)
        self.sides = Side(site.hosts), Side([site.plain])
        self.seed, self.number = seed, 0
        self.names: list[str] = []
        self.by = ""
        self.users: list[int] = []
        self.posts, self.comments, self.items, self.logins = [1], [1], [1], [1]
        for _ in range(5):
            self._join()

    def step(self) -> str:
        """Make one request on both sides, and return what it was; raise AssertionError if the answers differ."""
        operation = self.random.choice(list(OPERATIONS) + [each for each in OPERATIONS if each not in RARE] * 4)
        self.by = "" if operation in PUBLIC else self.random.choice(self.names)
        told = self._both(Step(operation, *OPERATIONS[operation](self)), self.by)
        if self.by and told.endswith(" 401"):  # deleted, or logged out by the walk
            self.names.remove(self.by)
            self._join()
        return told

    def _join(self) -> None:
        """Register an account and log it in."""
        name = f"w{self.seed}u{self.number}"
        account = {"username": name, "password": PASSWORD}
        self._both(Step("POST users", "users", account), "")
        self._both(Step("POST auth/token", "auth/token", account), "")
        self.names.append(name)

    def _both(self, step: Step, by: str) -> str:
        self.number += 1
        mine, other = (side.send(step, by) for side in self.sides)
        told = f"{self.number}: {by} {step}"
        assert mine.comparable() == other.comparable(), f"{told}\nwith a replica: {mine}\nwithout:        {other}"
        assert mine.status < 500, f"{told}: {mine}"
        self._remember(step.operation, mine)
        return f"{told} {mine.status}"

    def _remember(self, operation: str, reply: Reply) -> None:
        found = {"POST users": self.users, "POST posts": self.posts, "POST ratings": self.items}
        if operation == "POST posts/{post_id}/comments":
            found[operation] = self.comments
        if reply.status in {200, 201} and operation in found:
            found[operation].append(reply.json["id"])
        if operation == "GET users/me/sessions" and reply.status == 200:
            self.logins += [each["id"] for each in reply.json["results"]]

    # Parts of requests.

    @property
    def user(self) -> int:
        return self.random.choice(self.users[-6:])

    @property
    def name(self) -> str:
        return self.random.choice(self.names)

    @property
    def post(self) -> int:
        return self.random.choice(self.posts[-6:])

    @property
    def item(self) -> int:
        return self.random.choice(self.items[-4:])

    def page(self, path: str) -> tuple[str]:
        """Return a list, from its beginning, or from where its last page ended."""
        begin = f"{path}{'&' if '?' in path else '?'}limit="
        follows = (self.by, begin) in self.sides[0].cursors and self.random.random() < 0.7
        return (f"{begin}{self.random.choice([1, 2, 20])}{'&cursor=CURSOR' if follows else ''}",)

    def key(self) -> dict[str, str]:
        return self.random.choice([{}, {"Idempotency-Key": f"key-{self.random.randrange(20)}"}])


def _at(template: str) -> Callable[[Walk], tuple[str]]:
    return lambda walk: (template.format(user=walk.user, post=walk.post, item=walk.item),)


def _page(template: str) -> Callable[[Walk], tuple[str]]:
    return lambda walk: walk.page(template.format(user=walk.user, post=walk.post, name=walk.name[:4]))


def _keyed(template: str, body: Callable[[Walk], Any]) -> Callable[[Walk], tuple[str, Any, dict[str, str]]]:
    return lambda walk: (template.format(post=walk.post), body(walk), walk.key())


def _sent(path: str, body: Callable[[Walk], Any]) -> Callable[[Walk], tuple[str, Any]]:
    return lambda walk: (path.format(item=walk.item), body(walk))


OPERATIONS: dict[str, Callable[[Walk], Any]] = {
    "POST auth/email/confirm": _sent("auth/email/confirm", lambda walk: {"token": "bq5x7r-9c3e1f"}),
    "POST auth/logout": _sent("auth/logout", lambda walk: {"refresh": "nonsense"}),
    "POST auth/password/reset": _sent("auth/password/reset", lambda walk: {"email": f"{walk.name}@example.com"}),
    "POST auth/password/reset/confirm": _sent(
        "auth/password/reset/confirm", lambda walk: {"token": "bq5x7r-9c3e1f", "password": PASSWORD}
    ),
    "POST auth/token": _sent("auth/token", lambda walk: {"username": walk.name, "password": PASSWORD}),
    "POST auth/token/refresh": _sent("auth/token/refresh", lambda walk: {"refresh": "REFRESH"}),
    "DELETE comments/{comment_id}": lambda walk: (f"comments/{walk.random.choice(walk.comments[-5:])}",),
    "GET counters": lambda walk: (f"counters?targets=user:{walk.user},post:{walk.post},rating:{walk.item}",),
    "GET favorites": _page("favorites"),
    "GET feed": _page("feed"),
    "GET favorites/check": lambda walk: (f"favorites/check?ids={walk.post},{walk.post}",),
    "POST popups/{popup_id}/events": _sent("popups/1/events", lambda walk: {"claim": "CLAIM", "type": "click"}),
    "GET popups/next": lambda walk: ("popups/next?placement=home",),
    "GET posts": lambda walk: (f"posts?ids={walk.post},{walk.post}",),
    "POST posts": _keyed("posts", lambda walk: {"text": walk.random.choice(["", "Hi"]), "repost_of": walk.post}
                         if walk.random.random() < 0.4 else {"text": f"Post {walk.random.randrange(50)}"}),
    "GET posts/{post_id}": _at("posts/{post}"),
    "DELETE posts/{post_id}": _at("posts/{post}"),
    "GET posts/{post_id}/comments": _page("posts/{post}/comments"),
    "POST posts/{post_id}/comments": _keyed("posts/{post}/comments", lambda walk: {"text": "Hello"}),
    "PUT posts/{post_id}/favorite": _at("posts/{post}/favorite"),
    "DELETE posts/{post_id}/favorite": _at("posts/{post}/favorite"),
    "PUT posts/{post_id}/like": _at("posts/{post}/like"),
    "DELETE posts/{post_id}/like": _at("posts/{post}/like"),
    "GET posts/{post_id}/likers": _page("posts/{post}/likers"),
    "GET ratings": lambda walk: (f"ratings?ids={walk.item},{walk.item}",),
    "POST ratings": _keyed("ratings", lambda walk: {"title": f"Item {walk.random.randrange(50)}"}),
    "GET ratings/{item_id}": _at("ratings/{item}"),
    "PUT ratings/{item_id}/score": _sent("ratings/{item}/score", lambda walk: {"score": walk.random.randint(1, 10)}),
    "DELETE ratings/{item_id}/score": _at("ratings/{item}/score"),
    "GET relationships": lambda walk: (f"relationships?ids={walk.user},{walk.user}",),
    "POST reports": _keyed("reports", lambda walk: {"kind": "post", "id": walk.post, "reason": "spam", "text": ""}),
    "GET users": lambda walk: (walk.random.choice([f"users?ids={walk.user}", f"users?username={walk.name}"]),),
    "POST users": _sent("users", lambda walk: {"username": walk.name, "password": PASSWORD}),
    "GET users/{user_id}": _at("users/{user}"),
    "PUT users/{user_id}/block": _at("users/{user}/block"),
    "DELETE users/{user_id}/block": _at("users/{user}/block"),
    "PUT users/{user_id}/follow": _at("users/{user}/follow"),
    "DELETE users/{user_id}/follow": _at("users/{user}/follow"),
    "DELETE users/{user_id}/follower": _at("users/{user}/follower"),
    "GET users/{user_id}/followers": _page("users/{user}/followers"),
    "GET users/{user_id}/following": _page("users/{user}/following"),
    "GET users/{user_id}/posts": _page("users/{user}/posts"),
    "GET users/{user_id}/state": _at("users/{user}/state"),
    "GET users/me": _at("users/me"),
    "PATCH users/me": _sent("users/me", lambda walk: {"nickname": f"Nick {walk.random.randrange(9)}"}),
    "DELETE users/me": _sent("users/me", lambda walk: {"password": walk.random.choice(["wrong", PASSWORD])}),
    "GET users/me/blocks": _page("users/me/blocks"),
    "POST users/me/email": _sent(
        "users/me/email", lambda walk: {"email": f"{walk.name}@example.com", "password": PASSWORD}
    ),
    "GET users/me/export": _at("users/me/export"),
    "GET users/me/friends": _page("users/me/friends"),
    "POST users/me/password": _sent("users/me/password", lambda walk: {"old": PASSWORD, "new": PASSWORD}),
    "GET users/me/sessions": lambda walk: ("users/me/sessions",),
    "DELETE users/me/sessions/{login_id}": lambda walk: (f"users/me/sessions/{walk.random.choice(walk.logins[-8:])}",),
    "PATCH users/me/state": _sent("users/me/state", lambda walk: {"status": "busy", "message": walk.name}),
    "GET users/profiles": lambda walk: (f"users/profiles?ids={walk.user},{walk.user}",),
    "GET users/search": _page("users/search?q={name}"),
}  # fmt: skip
PUBLIC = {
    "POST users", "POST auth/token", "POST auth/logout", "POST auth/email/confirm", "POST auth/password/reset",
    "POST auth/password/reset/confirm",
}  # fmt: skip
# Each checks a password, which takes a thousand times longer than what the walk is about, or ends a login.
RARE = {
    "POST users", "POST auth/token", "POST users/me/email", "POST users/me/password", "DELETE users/me",
    "DELETE users/me/sessions/{login_id}", "POST auth/email/confirm", "POST auth/password/reset/confirm",
}  # fmt: skip
