"""The load generator sends its workload, and counts errors as errors."""

import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from loadtest.bench.load_generator import Workload, run_load
from loadtest.bench.paced_load import PacedLoad, PacedWorkload


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen[self.path, self.headers["Authorization"]] += 1
        if self.path == "/hang-up":
            self.close_connection = True
            return
        if self.path == "/slow":
            time.sleep(0.05)
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "200000")
        self.end_headers()
        self.wfile.write(b"x" * 200_000)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen[self.path, self.headers["Authorization"], body.decode()] += 1
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.seen = Counter()
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def workload(server: ThreadingHTTPServer, *paths: str, **options: object) -> Workload:
    return Workload(port=server.server_port, paths=list(paths), **options)


def test_paths_and_tokens_take_turns(server):
    outcome = run_load(workload(server, "/a", "/b", "/c", tokens=["1", "2"], requests=12, connections=4))
    assert outcome.requests == len(outcome.latencies_ms) == 12
    assert server.seen == {(path, f"Bearer {token}"): 2 for path in ("/a", "/b", "/c") for token in "12"}


def test_bodies_are_put(server):
    outcome = run_load(workload(server, "/a", bodies=["{}", "[1]"], tokens=["1"], requests=4, connections=2))
    assert (outcome.requests, outcome.errors) == (4, {})
    assert server.seen == {("/a", "Bearer 1", body): 2 for body in ("{}", "[1]")}


def test_each_connection_sends_the_requests_of_one_user(server):
    bodies = [f"{number}" for number in range(4)]
    outcome = run_load(workload(server, "/a", bodies=bodies, tokens=["1", "2", "3"], requests_each=2, connections=3))
    assert (outcome.requests, outcome.errors) == (6, {})
    assert server.seen == {("/a", f"Bearer {user}", f"{body}"): 1 for user in (1, 2, 3) for body in (user - 1, user)}


def test_other_statuses_and_closed_connections_are_errors(server):
    outcome = run_load(workload(server, "/fine", "/broken", "/hang-up", requests=9, connections=1))
    assert outcome.errors == {"500": 3, "closed": 3}
    assert len(outcome.latencies_ms) == 3


def test_the_run_ends_in_time_and_waits_for_the_last_answers(server):
    outcome = run_load(workload(server, "/slow", seconds=0.5, connections=2))
    assert outcome.requests == len(outcome.latencies_ms) == server.seen.total()
    assert 0.5 <= outcome.seconds < 1
    assert outcome.percentile_ms(50) >= 50
    assert outcome.errors == {}


def test_a_paced_load_sends_at_its_rate_whatever_the_server_does(server):
    begins_at = time.time() + 0.5
    options = {"seconds": 2, "connections": 20, "per_second": 50, "begins_at": begins_at}
    outcome = PacedLoad(PacedWorkload(port=server.server_port, paths=["/slow", "/broken"], **options)).outcome()
    assert 95 <= outcome.requests == server.seen.total() <= 100
    assert outcome.errors == {"500": outcome.requests // 2}
    assert sum(map(len, outcome.by_second)) == outcome.requests
    assert time.time() >= begins_at + 2


def test_what_a_paced_load_sends_late_was_due_before(server):
    options = {"seconds": 1, "connections": 1, "per_second": 40, "begins_at": 0}  # of which 20 a second are answered
    outcome = PacedLoad(PacedWorkload(port=server.server_port, paths=["/slow"], **options)).outcome()
    assert outcome.late > 0
    assert outcome.percentile_ms(100) > 150
    assert outcome.requests < 40
