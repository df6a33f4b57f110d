"""Writes on the hot lane: the same answers and rows as by Django, and Django answers whatever is refused or odd."""

import pytest
from django.db import OperationalError

from popups import eviction
from popups.delivery import claims
from posts.models import Favorite, Like, Post
from posts.writes import AddLike
from ratings.models import Score
from ratings.services import publish
from serving.hot_lane import lane as hot_lane
from social import services as graph
from social.models import Follow
from tests.support.asgi_server import login
from tests.support.lane_domain import UNKNOWN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]
JSON = ("content-type", "application/json")


@pytest.fixture
def post(bob):
    return Post.objects.create_one(author_id=bob.pk, text="Hello")


@pytest.fixture
def item():
    return publish(title="Tea house")


@pytest.fixture
def send(lane, alice):
    """send(method, path, body): alice's request to the lane, with the headers that clients send with a body."""

    def send(method, path, body="", *headers, by=alice, server=lane):
        own = [*login(by), ("content-length", str(len(body.encode()))), *([JSON] if body else ()), *headers]
        return server.ask(f"/api/v1/{path}", method=method, headers=own, body=body.encode())

    return send


WRITES = {
    "like": ("PUT", "posts/{post}/like", "", Like),
    "unlike": ("DELETE", "posts/{post}/like", "", Like),
    "favourite": ("PUT", "posts/{post}/favorite", "", Favorite),
    "take a favourite back": ("DELETE", "posts/{post}/favorite", "", Favorite),
    "follow": ("PUT", "users/{bob}/follow", "", Follow),
    "unfollow": ("DELETE", "users/{bob}/follow", "", Follow),
    "score": ("PUT", "ratings/{item}/score", ' {"score" : 10}\n', Score),
}


@pytest.mark.parametrize(("method", "path", "body", "model"), WRITES.values(), ids=WRITES)
def test_the_answers_and_rows_are_django_s(send, django, alice, bob, post, item, method, path, body, model):
    path = path.format(post=post.pk, bob=bob.pk, item=item.pk)
    if method == "DELETE":
        send("PUT", path)
    send("GET", f"posts/{post.pk}")
    found = send(method, path, body)
    assert not found.by_django
    assert found.status == 200
    assert model.objects.exists() is (method == "PUT")
    assert send(method, path, body, server=django).answer == found.answer  # each may be repeated
    again = send(method, path, body)
    assert (again.answer, again.by_django) == (found.answer, False)


def test_an_event(send, django, alice, bob):
    eviction.look()  # as a thread of the process does while popups are asked for
    for token, status, by_lane in (
        (claims.sign(claims.new_claim(), user_id=alice.pk, popup_id=7), 202, True),
        (claims.sign(claims.new_claim(), user_id=bob.pk, popup_id=7), 404, False),
        ("A" * 32, 404, False),
    ):
        body = f'{{"claim": "{token}", "type": "click"}}'
        found = send("POST", "popups/7/events", body)
        assert (found.status, not found.by_django) == (status, by_lane)
        assert send("POST", "popups/7/events", body, server=django).answer == found.answer


REFUSED = {
    "an unknown post": ("PUT", "posts/{unknown}/like", ""),
    "a hidden post": ("PUT", "posts/{hidden}/like", ""),
    "the post of somebody deactivated": ("PUT", "posts/{of_dora}/favorite", ""),
    "the post of somebody who blocks": ("PUT", "posts/{of_carol}/like", ""),
    "somebody who blocks": ("PUT", "users/{carol}/follow", ""),
    "somebody deactivated": ("PUT", "users/{dora}/follow", ""),
    "oneself": ("PUT", "users/{alice}/follow", ""),
    "an unknown item": ("PUT", "ratings/{unknown}/score", '{"score": 5}'),
    "a score too high": ("PUT", "ratings/{item}/score", '{"score": 11}'),
    "a score in words": ("PUT", "ratings/{item}/score", '{"score": "5"}'),
    "no score": ("PUT", "ratings/{item}/score", ""),
    "no JSON": ("PUT", "ratings/{item}/score", '{"score": 5'),
    "a score twice": ("PUT", "ratings/{item}/score", '{"score": 5, "score": 6}'),
    "a query": ("PUT", "ratings/{item}/score?x=1", '{"score": 5}'),
    "a body of a like": ("PUT", "posts/{post}/like", "{}"),
    "another method": ("POST", "posts/{post}/like", ""),
    "an unknown type": ("POST", "popups/7/events", '{"claim": "A", "type": "shown"}'),
}


@pytest.fixture
def ids(alice, carol, dora, post, item):
    """The ids that REFUSED names; carol blocks alice."""
    graph.block(blocker_id=carol.pk, blocked_id=alice.pk)
    of_carol, of_dora = (Post.objects.create_one(author_id=each.pk, text="x") for each in (carol, dora))
    hidden = Post.objects.create_one(author_id=post.author_id, text="x", state=Post.State.HIDDEN)
    rows = {"alice": alice, "carol": carol, "dora": dora, "post": post, "item": item, "hidden": hidden}
    return {name: row.pk for name, row in {**rows, "of_carol": of_carol, "of_dora": of_dora}.items()}


@pytest.mark.parametrize(("method", "path", "body"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_or_odd_is_django_s(send, django, ids, method, path, body):
    path = path.format(unknown=UNKNOWN, **ids)
    found, expected = send(method, path, body), send(method, path, body, server=django)
    assert found.by_django
    assert found.answer == expected.answer


@pytest.mark.parametrize("kind", ["text/plain", "application/json; charset=latin-1", None])
def test_a_body_that_is_no_json_is_django_s(lane, django, alice, item, kind):
    headers = [*login(alice), ("content-length", "12"), *([("content-type", kind)] if kind else ())]
    request = {"method": "PUT", "headers": headers, "body": b'{"score": 5}'}
    found, expected = (each.ask(f"/api/v1/ratings/{item.pk}/score", **request) for each in (lane, django))
    assert found.by_django
    assert found.answer == expected.answer


def test_a_deadlock_is_not_seen(send, post, monkeypatch):
    perform, failures = AddLike.perform, [OperationalError(1213, "Deadlock"), OperationalError(1213, "Deadlock")]

    def fail_first(self):
        if failures:
            raise failures.pop()
        perform(self)

    monkeypatch.setattr(AddLike, "perform", fail_first)
    reply = send("PUT", f"posts/{post.pk}/like")
    assert (reply.status, reply.by_django, failures) == (200, False, [])


def test_a_failure_leaves_the_request_to_django(send, post, monkeypatch, caplog):
    monkeypatch.setattr(hot_lane, "repeated", lambda *_, **__: 1 / 0)
    reply = send("PUT", f"posts/{post.pk}/like")
    assert (reply.status, reply.by_django) == (200, True)
    assert Like.objects.count() == 1
    assert hot_lane.FAILED in caplog.text


def test_a_request_is_counted_once(send, settings, post, alice, monkeypatch):
    settings.THROTTLES = {"user": (0.001, 2)}
    monkeypatch.setattr(hot_lane, "repeated", lambda *_, **__: 1 / 0)
    statuses = [send("PUT", f"posts/{post.pk}/like").status for _ in range(3)]
    assert statuses == [200, 200, 429]
