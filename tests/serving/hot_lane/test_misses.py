"""What the cache lacks is loaded in the hot lane's own threads, for all requests that wait together."""

import asyncio
import threading

import msgspec
import pytest

from caching.api import redis_client
from caching.entries.rows import Rows
from caching.extend import run_together
from posts.models import Post
from serving.hot_lane import misses
from tests.support.asgi_server import AsgiServer, login, wait_until_ready
from tests.support.polling import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]
WAITING = 20


class Gate:
    """Lets loads of the lane wait, and notes of how many requests each is."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.is_open = threading.Event()

    def load(self, batches):
        self.sizes.append(len(batches))
        self.is_open.wait(30)
        run_together(batches)


@pytest.fixture
def gate(monkeypatch):
    gate = Gate()
    gate.is_open.set()
    monkeypatch.setattr(misses, "run_together", gate.load)
    yield gate
    gate.is_open.set()


@pytest.fixture
def served(alice, gate):
    """A lane with two threads, one of which may load; alice is cached."""
    server = AsgiServer(threads=2)
    wait_until_ready(server, alice)
    gate.sizes.clear()
    gate.is_open.clear()
    yield server
    gate.is_open.set()
    server.end()


@pytest.fixture
def crowd(new_user):
    return [new_user(f"person_{number}") for number in range(WAITING)]


def ask_all(server, caller, paths):
    """Begin requests; return the futures of their replies."""
    return [
        asyncio.run_coroutine_threadsafe(server.ask_in_loop(f"/api/v1/{path}", headers=login(caller)), server.loop)
        for path in paths
    ]


@pytest.fixture
def loaded(monkeypatch):
    """The primary keys of each query of users."""
    queries = []
    load = Rows.load

    def noted(rows, pks):
        queries.append(list(pks))
        return load(rows, pks)

    monkeypatch.setattr(Rows, "load", noted)
    return queries


def test_requests_that_wait_together_are_loaded_together(served, gate, loaded, alice, bob, crowd):
    first = ask_all(served, alice, [f"users/{bob.pk}"])
    wait_until(lambda: gate.sizes == [1])
    some, more = [each.pk for each in crowd[:10]], [each.pk for each in crowd[10:]]
    paths = [*(f"users/{pk}" for pk in some), *(f"users?ids={pk},{some[0]}" for pk in more), f"users/{some[0]}"]
    others = ask_all(served, alice, paths)
    wait_until(lambda: served.loads >= 1 + len(paths))
    gate.is_open.set()
    replies = [future.result(30) for future in (*first, *others)]
    assert {(reply.status, reply.by_django) for reply in replies} == {(200, False)}
    assert gate.sizes == [1, len(paths)]
    assert [sorted(pks) for pks in loaded] == [[bob.pk], sorted(some + more)]
    assert [msgspec.json.decode(reply.body)["id"] for reply in replies[1:11]] == some
    assert all(future.result(30).by_lane for future in ask_all(served, alice, paths))


def test_reads_that_miss_leave_a_thread_to_django(served, gate, alice, crowd):
    waiting = ask_all(served, alice, [f"users/{each.pk}" for each in crowd])
    wait_until(lambda: served.loads >= len(crowd))
    reply = served.ask("/api/v1/users/me", method="PATCH", headers=login(alice), body=b"{}")
    assert reply.by_django
    assert not any(future.done() for future in waiting)
    gate.is_open.set()
    assert {future.result(30).status for future in waiting} == {200}


def test_more_than_are_loaded_together_are_loaded_in_turn(served, gate, alice, bob, crowd, monkeypatch):
    monkeypatch.setattr(misses, "MAX_TOGETHER", 8)
    first = ask_all(served, alice, [f"users/{bob.pk}"])
    wait_until(lambda: gate.sizes == [1])
    others = ask_all(served, alice, [f"users/{each.pk}" for each in crowd])
    wait_until(lambda: served.loads > len(crowd))
    gate.is_open.set()
    assert {future.result(30).status for future in (*first, *others)} == {200}
    assert gate.sizes == [1, 8, 8, 4]


def test_what_cannot_be_loaded_is_answered_by_django(served, gate, alice, crowd, monkeypatch, caplog):
    def fail(batches):
        raise ValueError("for the test")

    monkeypatch.setattr(misses, "run_together", fail)
    replies = [future.result(30) for future in ask_all(served, alice, [f"users/{each.pk}" for each in crowd])]
    assert {(reply.status, reply.by_django) for reply in replies} == {(200, True)}
    assert "could not be loaded" in caplog.text
    monkeypatch.setattr(misses, "run_together", run_together)
    assert served.ask("/api/v1/users/999999", headers=login(alice)).status == 404


def test_everything_is_flushed_under_load(lane, alice, bob, crowd, some_post):
    """Nobody gets an error, or what is another's."""
    ids = [each.pk for each in crowd]
    paths = [f"users/{pk}" for pk in ids] + [f"users?ids={ids[n]},{bob.pk}" for n in range(len(ids))]
    paths += [f"posts/{some_post.pk}", "favorites/check?ids=1", f"relationships?ids={bob.pk}", "users/me"]
    expected = [future.result(30).answer for future in ask_all(lane, alice, paths)]
    assert {status for status, _, _ in expected} == {200}
    for _ in range(10):
        redis_client().flushdb()
        asked = [ask_all(lane, alice, paths) for _ in range(3)]
        assert [[future.result(30).answer for future in futures] for futures in asked] == [expected] * 3


def test_misses_of_a_later_trip_are_loaded(lane, alice, bob, some_post):
    path = f"posts/{some_post.pk}"
    replies = [lane.ask(f"/api/v1/{path}", headers=login(alice)) for _ in range(2)]
    assert [(reply.status, reply.by_lane, reply.by_django) for reply in replies] == [
        (200, False, False), (200, True, False),
    ]  # fmt: skip
    assert replies[0].answer == replies[1].answer


@pytest.fixture
def some_post(bob):
    return Post.objects.create_one(author_id=bob.pk, text="x")
