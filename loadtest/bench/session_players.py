"""Play sessions (load/session_mix.py) on keep-alive connections, in a process of its own.

`python -m loadtest.bench.session_players` reads Sessions as JSON from standard input, and prints a SessionOutcome as
JSON. Each connection plays session after session, of one caller after the other, in a closed loop. Standard library
only.
"""

import json
import random
import selectors
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle, islice
from typing import Any

from loadtest.bench import session_warm_up
from loadtest.bench.load_generator import ANSWER_TIMEOUT_S, Outcome, run_apart
from loadtest.bench.session_player import Player
from loadtest.load.session_mix import Play, Session, Sources
from loadtest.load.zipf import Zipf


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """Sessions of the users in `tokens` ({id: access token}), in turn, until `seconds` or `sessions` are over.

    Ids are those of the users 1 to `users`, of the `owners`, of the posts after `first_post` up to `last_post`, and of
    the items 1 to `items`. With `warms_up`, each id is asked for once instead (see session_warm_up).
    """

    port: int
    tokens: dict[str, str]
    users: int
    owners: list[int]
    first_post: int
    last_post: int
    items: int
    connections: int = 32
    seconds: float = 3600
    sessions: int | None = None
    seed: int = 1
    warms_up: bool = False

    def warm_up(self) -> Iterator[Play]:
        """Yield plays that ask for each id once."""
        posts = range(self.first_post, self.last_post + 1)
        return session_warm_up.plays(users=range(1, self.users + 1), owners=self.owners, posts=posts)

    def sources(self) -> Sources:
        """Return where the ids come from: all by Zipf's law."""
        ranges = (range(1, self.users + 1), self.owners, range(self.first_post, self.last_post + 1))
        return Sources(*(Zipf(ids, seed=self.seed) for ids in (*ranges, range(1, self.items + 1))))


@dataclass(frozen=True)
class SessionOutcome(Outcome):
    """An Outcome in which every status 2xx is an answer; `kinds` counts requests by their kind."""

    kinds: dict[str, int] = field(default_factory=dict)


def play_sessions(sessions: Sessions) -> SessionOutcome:
    """Play sessions in a process of its own; raise RuntimeError if that process fails."""
    return SessionOutcome(**run_apart("loadtest.bench.session_players", sessions, sessions.seconds))


class SessionPlayers:
    """Plays sessions and measures their answers."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._callers = self._in_turn()
        self._selector = selectors.DefaultSelector()
        self._errors: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._latencies_ms: list[float] = []
        self._playing = 0

    def run(self) -> SessionOutcome:
        """Play the sessions, and wait for the last answers, at most ANSWER_TIMEOUT_S."""
        began = time.perf_counter()
        self._ends_at = began + self._sessions.seconds
        for _ in range(self._sessions.connections):
            player = Player(self._sessions.port)
            self._selector.register(player.connection.socket, selectors.EVENT_READ, player)
            self._playing += self._begin(player)
        while self._playing and time.perf_counter() < self._ends_at + ANSWER_TIMEOUT_S:
            for key, _ in self._selector.select(timeout=1):
                self._receive(key.data)
        ended = time.perf_counter()
        requests = self._kinds.total()
        latencies_ms = sorted(self._latencies_ms)
        return SessionOutcome(requests, ended - began, dict(self._errors), latencies_ms, dict(self._kinds))

    def _in_turn(self) -> Iterator[tuple[Play, bytes]]:
        """Yield each caller's next session, with the headers of its requests."""
        source, sources = random.Random(self._sessions.seed), self._sessions.sources()
        callers = list(self._sessions.tokens.items())
        source.shuffle(callers)
        warm_up = self._sessions.warm_up() if self._sessions.warms_up else None
        for pk, token in islice(cycle(callers), self._sessions.sessions):
            lines = (
                f"Host: 127.0.0.1:{self._sessions.port}",
                "X-Forwarded-Proto: https",
                f"Authorization: Bearer {token}",
            )
            play = Session(int(pk), sources, source).play() if warm_up is None else next(warm_up, None)
            if play is None:
                return
            yield play, "".join(f"{line}\r\n" for line in lines).encode()

    def _begin(self, player: Player) -> bool:
        """Begin the next session on a connection; return whether there is one, and time for it."""
        following: Any = next(self._callers, None) if time.perf_counter() < self._ends_at else None
        if following is not None:
            player.begin(*following)
        return following is not None

    def _receive(self, player: Player) -> None:
        status = player.connection.answer()
        if status is None:
            return
        self._kinds[player.request.kind] += 1
        if status.startswith("2"):
            self._latencies_ms.append((time.perf_counter() - player.connection.sent_at) * 1000)
        else:
            self._errors[f"{player.request.kind}: {status}"] += 1
        if not status.isdigit():
            raise SystemExit(f"The server closed a connection instead of answering {player.request.kind}.")
        in_time = time.perf_counter() < self._ends_at
        if not (in_time and (player.go_on(status) or self._begin(player))):
            self._playing -= 1


if __name__ == "__main__":
    print(json.dumps(asdict(SessionPlayers(Sessions(**json.load(sys.stdin))).run())))
