"""Sessions are played as they are written, one caller after the other, and errors are counted as errors."""

import json
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from loadtest.bench.session_players import Sessions, play_sessions
from loadtest.load.session_mix import WEIGHTS

TOKENS = {str(pk): f"token{pk}" for pk in range(1, 21)}


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int = 200, document: object = None) -> None:
        body = json.dumps(document or {}).encode()
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.seen.append((self.command, self.path, self.headers["Authorization"]))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path == "/api/v1/feed":
            self.answer(document={"next": f"http://x{self.path}?cursor=second"})
        elif "placement=offer" in self.path:
            self.answer(document={"popup": {"id": 7, "claim": "abc"}})
        else:
            self.answer(404 if "/profiles" in self.path else 200)

    def do_PUT(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer(202 if self.path.endswith("/events") else 201)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.seen = []
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def sessions(server: ThreadingHTTPServer, **options: object) -> Sessions:
    ids = {"users": 50, "owners": [1, 2], "first_post": 101, "last_post": 200, "items": 5}
    return Sessions(port=server.server_port, tokens=TOKENS, connections=4, **ids, **options)


def test_sessions_of_all_callers(server):
    outcome = play_sessions(sessions(server, sessions=2 * len(TOKENS)))
    paths = Counter(path.partition("?")[0] for _, path, _ in server.seen)
    assert Counter(login for _, path, login in server.seen if path.endswith("/users/me")) == {
        f"Bearer {token}": 2 for token in TOKENS.values()
    }
    assert outcome.requests == len(server.seen) == sum(outcome.kinds.values())
    assert outcome.errors == {"users/profiles: 404": 40}
    assert len(outcome.latencies_ms) == outcome.requests - 40
    assert outcome.kinds.keys() <= WEIGHTS.keys()
    assert outcome.kinds["popups/{id}/events"] == paths["/api/v1/popups/7/events"] > 0
    assert sum("cursor=second" in path for _, path, _ in server.seen) == 40
    assert {path for path in paths if path.endswith("/posts") and "/users/" in path} == {
        f"/api/v1/users/{pk}/posts" for pk in (1, 2)
    }


def test_sessions_end_after_their_time(server):
    outcome = play_sessions(sessions(server, seconds=0.2))
    assert 0 < outcome.requests == len(server.seen)
    assert outcome.seconds < 20
