"""Clients who write and read over HTTP and write down all that they do; in a process of their own.

`python -m tests.faults.players FILE` takes a Game as JSON from the file, and plays until SIGTERM.
A writer has an account and sends all its requests to the web process that writes; a reader asks another web process,
which never writes. A register whose values come back, such as a like, is written no more after an unknown outcome.
"""

import base64
import http.client
import json
import random
import signal
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.history import DONE, FAILED, UNKNOWN, Recorder

TIMEOUT_S = 40.0
CLAIM_BYTES = 12  # of a token
SCORES = range(1, 11)
NEWEST = 8  # posts of an author that are looked for on the home page, of at most 15


@dataclass(frozen=True, kw_only=True)
class Game:
    """Who plays, (id, access token) each, on which ports, and how long each pauses on average."""

    history: str
    accounts: list[tuple[int, str]]
    writer_port: int
    reader_port: int
    writers: int
    """Each account has one writer, the first ones two if there are more."""
    readers: int
    pause_s: float
    seed: int


class World:
    """What the players know of each other."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self.ends = threading.Event()
        self.posts: defaultdict[int, list[tuple[int, str]]] = defaultdict(
            list
        )  # by author: ids and texts, acknowledged
        self.scored: defaultdict[int, list[int]] = defaultdict(list)  # by user: the items with scores


class Player(threading.Thread):
    """One client on one keep-alive connection."""

    MOVES: "dict[str, int]"

    def __init__(self, world: World, name: str, number: int, port: int) -> None:
        super().__init__(name=name)
        self._world, self._port = world, port
        self.user, self._token = world.game.accounts[number % len(world.game.accounts)]
        self._records = Recorder(Path(world.game.history), name)
        self._chance = random.Random(f"{world.game.seed} {name}")
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._count = 0

    def run(self) -> None:
        moves = [getattr(self, name) for name, times in self.MOVES.items() for _ in range(times)]
        while not self._world.ends.wait(self._chance.expovariate(1 / self._world.game.pause_s)):
            self._chance.choice(moves)()
        self._connection.close()

    def ask(self, kind: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the document of the answer; 0 if there was none, -1 if nothing was sent."""
        begin_s = time.monotonic()
        status, retry_after, document = self._exchange(method, path, body)
        self._records.request(kind, status, retry_after, begin_s)
        return status, document

    def _exchange(self, method: str, path: str, body: Any) -> tuple[int, str, Any]:
        headers = {"Host": "localhost", "Authorization": f"Bearer {self._token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
            reply = self._connection.getresponse()
            return reply.status, reply.headers.get("Retry-After", ""), json.loads(reply.read() or b"null")
        except ConnectionRefusedError:
            self._connection.close()
            return -1, "", None
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            return 0, "", None

    def write(self, key: str, value: Any, kind: str, method: str, path: str, body: Any = None) -> tuple[str, Any]:
        """Write a register by a request; return the outcome and the document."""
        name = self._records.begin_write(key, value)
        status, document = self.ask(kind, method, path, body)
        outcome = DONE if 200 <= status < 300 else FAILED if 400 <= status < 500 or status == -1 else UNKNOWN
        self._records.end_write(name, outcome)
        return outcome, document

    def look(self, kind: str, path: str) -> tuple[float, Any]:
        """Return when a read was begun, and the document; None if it was not answered."""
        begin_s = time.monotonic()
        status, document = self.ask(kind, "GET", path)
        return begin_s, document if status == 200 else None

    # Reads: of writers and of readers.

    def read_users(self) -> None:
        ids = [user for user, _ in self._world.game.accounts]
        asked = ids if self._chance.random() < 0.3 else [self._chance.choice(ids)]
        path = f"users/{asked[0]}" if len(asked) == 1 else "users?ids=" + ",".join(map(str, asked))
        begin_s, document = self.look("users", path)
        if document:
            rows = document["results"] if len(asked) > 1 else [document]
            self._records.read([(f"nickname:{row['id']}", row["nickname"]) for row in rows], begin_s)

    def read_home_page(self) -> None:
        """Look at one's own home page: the posts that must be there, and one's likes and favourites of them."""
        expected = self._world.posts[self.user][-NEWEST:]
        begin_s, document = self.look("home page", f"users/{self.user}/posts")
        if document:
            shown = {row["id"]: row for row in document["results"]}
            values: list[tuple[str, Any]] = [(f"posted:{text}", pk in shown) for pk, text in expected]
            for pk, _ in expected:
                if row := shown.get(pk):
                    values += [(f"{mark}:{self.user}:{pk}", row[mark]) for mark in ("liked", "favorited")]
            self._records.read(values, begin_s)

    def read_favorites(self) -> None:
        if expected := [pk for pk, _ in self._world.posts[self.user][-NEWEST:]]:
            begin_s, document = self.look("favorites", "favorites/check?ids=" + ",".join(map(str, expected)))
            if document:
                found = document["results"].items()
                self._records.read([(f"favorited:{self.user}:{pk}", value) for pk, value in found], begin_s)

    def read_relationships(self) -> None:
        others = [user for user, _ in self._world.game.accounts if user != self.user]
        begin_s, document = self.look("relationships", "relationships?ids=" + ",".join(map(str, others)))
        if document:
            rows = document["results"]
            for row in filter(is_torn, rows):
                self._records.fact("torn", row, begin_s)
            known = [row for row in rows if not blocks_each_other(self.user, row["id"])]
            self._records.read([(f"follows:{self.user}:{row['id']}", row["following"]) for row in known], begin_s)

    def read_scores(self) -> None:
        if items := self._world.scored[self.user][-3:]:
            begin_s, document = self.look("ratings", "ratings?ids=" + ",".join(map(str, items)))
            if document:
                rows = document["results"]
                self._records.read([(f"score:{self.user}:{row['id']}", row["my_score"]) for row in rows], begin_s)


class Reader(Player):
    MOVES = {"read_users": 5, "read_home_page": 3, "read_favorites": 2, "read_relationships": 2, "read_scores": 2}


class Writer(Player):
    MOVES = {**Reader.MOVES, "rename": 5, "publish": 1, "mark": 5, "follow": 2, "block": 2, "score": 2, "enter": 2}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._own: list[int] = []  # posts that no other device of this user marks
        self._toggles: dict[str, bool | None] = {}  # what this client has written last; None: written no more
        self._item = 0
        self._left: list[int] = []

    def rename(self) -> None:
        self._count += 1
        value = f"{self.name}-{self._count}"
        self.write(f"nickname:{self.user}", value, "rename", "PATCH", "users/me", {"nickname": value})

    def publish(self) -> None:
        self._count += 1
        text = f"{self.user} {self.name}: post {self._count}"
        self._records.initial(f"posted:{text}", False)
        outcome, post = self.write(f"posted:{text}", True, "post", "POST", "posts", {"text": text})
        if outcome == DONE:
            for mark in ("liked", "favorited"):
                self._records.initial(f"{mark}:{self.user}:{post['id']}", False)
            self._own.append(post["id"])
            self._world.posts[self.user].append((post["id"], text))

    def mark(self) -> None:
        """Like one of the newest posts, or take the like back; likewise favourites."""
        if self._own:
            mark = self._chance.choice(["liked", "favorited"])
            post = self._chance.choice(self._own[-4:])
            self._toggle(f"{mark}:{self.user}:{post}", "like" if mark == "liked" else "favorite",
                         f"posts/{post}/{'like' if mark == 'liked' else 'favorite'}")  # fmt: skip

    def follow(self) -> None:
        other = self._chance.choice(self._world.game.accounts)[0]
        if other != self.user and not blocks_each_other(self.user, other) and self.is_first_device:
            self._toggle(f"follows:{self.user}:{other}", "follow", f"users/{other}/follow")

    def block(self) -> None:
        """Follow or block one of those with whom this is done, or take it back; without registers."""
        others = [user for user, _ in self._world.game.accounts if blocks_each_other(self.user, user)]
        other, verb = self._chance.choice(others), self._chance.choice(["follow", "follow", "block"])
        self.ask(verb, self._chance.choice(["PUT", "DELETE"]), f"users/{other}/{verb}")

    def score(self) -> None:
        """Give an item of one's own the next score; from a new item on after the greatest."""
        if not self._left:
            self._count += 1
            status, item = self.ask("item", "POST", "ratings", {"title": f"{self.name}-item-{self._count}"})
            if status == 201:
                self._item, self._left = item["id"], list(SCORES)
                self._records.initial(f"score:{self.user}:{self._item}", None)
                self._world.scored[self.user].append(self._item)
        if self._left:
            value = self._left.pop(0)
            path = f"ratings/{self._item}/score"
            self.write(f"score:{self.user}:{self._item}", value, "score", "PUT", path, {"score": value})

    def enter(self) -> None:
        """Ask for a popup, and click on it."""
        begin_s, document = self.look("popup", "popups/next?placement=home")
        if document and (popup := document["popup"]):
            claim = base64.urlsafe_b64decode(popup["claim"])[:CLAIM_BYTES].hex()
            self._records.fact("shown", [self.user, popup["id"], claim], begin_s)
            body = {"claim": popup["claim"], "type": "click"}
            status, _ = self.ask("click", "POST", f"popups/{popup['id']}/events", body)
            if status == 202:
                self._records.fact("click", [self.user, popup["id"], claim], begin_s)

    @property
    def is_first_device(self) -> bool:
        return not self.name.endswith("b")

    def _toggle(self, key: str, kind: str, path: str) -> None:
        value = self._toggles.get(key, False)
        if value is not None:
            outcome, _ = self.write(key, not value, kind, "DELETE" if value else "PUT", path)
            if outcome != FAILED:
                self._toggles[key] = not value if outcome == DONE else None


def blocks_each_other(one: int, two: int) -> bool:
    """Return whether two users follow and block each other at random, rather than follow alone."""
    return one != two and (one + two) % 2 == 1


def is_torn(row: Any) -> bool:
    """Return whether a relationship has both a follow and a block."""
    return (row["following"] or row["followed_by"]) and (row["blocking"] or row["blocked_by"])


def play(game: Game) -> None:
    world = World(game)
    records, ids = Recorder(Path(game.history), "setup"), [user for user, _ in game.accounts]
    for user in ids:
        records.initial(f"nickname:{user}", "")
        for other in (each for each in ids if not blocks_each_other(user, each)):
            records.initial(f"follows:{user}:{other}", False)
    signal.signal(signal.SIGTERM, lambda *_: world.ends.set())
    accounts = len(game.accounts)
    players: list[Player] = [
        Writer(world, f"user{number % accounts}{'b' if number >= accounts else ''}", number, game.writer_port)
        for number in range(game.writers)
    ]
    players += [Reader(world, f"reader{number}", number, game.reader_port) for number in range(game.readers)]
    for player in players:
        player.start()
    for player in players:
        player.join()


if __name__ == "__main__":
    play(Game(**json.loads(Path(sys.argv[1]).read_text())))
