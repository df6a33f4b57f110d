"""Requests that are no hits: holds, leases, entries of other versions, ids below a floor, outages."""

import time

import pytest

from caching.api import redis_client
from caching.entries import id_sets
from caching.entries.rows import rows_of
from caching.extend import breaker
from caching.protocol.codec import row_codec_of
from posts import models
from posts.models import Favorite, Post
from tests.support.asgi_server import AsgiServer, login, wait_until_ready
from tests.support.polling import wait_until
from users.models import User
from users.reads import OneUser

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


@pytest.fixture
def asked(lane, alice, bob):
    """ask(path): the hot lane's reply to alice; alice and bob are cached."""
    lane.ask(f"/api/v1/users/{bob.pk}", headers=login(alice))
    own = login(alice)

    def ask(path=f"users/{bob.pk}", status=200):
        reply = lane.ask(f"/api/v1/{path}", headers=own)
        assert reply.status == status, reply
        return reply

    assert ask().by_lane
    return ask


def key_of(user):
    return rows_of(User).key(user.pk)


def other_version(user):
    return b"V" + b"x" * 8 + redis_client().get(key_of(user))[9:]


NO_HITS = {
    "a hold": lambda user: b"H" + b"a" * 16 + b"0" * 13,
    "a lease": lambda user: b"L" + b"a" * 16,
    "another version": other_version,
    "a corrupt value": lambda user: row_codec_of(User).entry.prefix + b"\xc1",
    "nonsense": lambda user: b"?",
    "an empty entry": lambda user: b"",
}


@pytest.mark.parametrize("entry", NO_HITS.values(), ids=NO_HITS)
def test_an_entry_that_is_no_value(asked, bob, entry, settings):
    settings.CACHING = {**settings.CACHING, "LEASE_MS": 50}
    redis_client().set(key_of(bob), entry(bob), px=60_000)
    reply = asked()
    assert not reply.by_lane
    assert b'"username":"bob"' in reply.body


def test_an_absent_entry_is_filled(asked, bob):
    redis_client().delete(key_of(bob))
    assert [asked().by_lane for _ in range(3)] == [False, True, True]


def test_one_miss_of_many(asked, alice, bob):
    path = f"users?ids={alice.pk},{bob.pk}"
    assert asked(path).by_lane
    redis_client().delete(key_of(bob))
    assert [asked(path).by_lane for _ in range(2)] == [False, True]


def test_a_wrong_type_is_no_hit_and_harms_nobody_else(asked, lane, alice, bob):
    redis_client().delete(key_of(bob))
    redis_client().lpush(key_of(bob), "x")
    asked()
    redis_client().delete(key_of(bob))
    breaker.may_read()
    assert lane.ask(f"/api/v1/users/{alice.pk}", headers=login(alice)).status == 200


def test_ids_below_the_floor(asked, alice, bob, monkeypatch):
    monkeypatch.setattr(models.favorited.here(), "newest", 2)
    posts = [Post.objects.create_one(author_id=bob.pk, text="x") for _ in range(5)]
    for post in posts[:4]:
        Favorite.objects.create(user_id=alice.pk, post_id=post.pk)
    above, all_of_them = posts[2:], posts
    for some in (above, all_of_them, above):
        path = f"favorites/check?ids={','.join(str(post.pk) for post in some)}"
        asked(path)
        reply = asked(path)
        expected = ",".join(f'"{post.pk}":{"true" if post in posts[:4] else "false"}' for post in some)
        assert reply.body.decode() == f'{{"results":{{{expected}}}}}'
        assert reply.by_lane is (some is above)


def test_members_that_were_evicted(asked, alice, bob, monkeypatch):
    monkeypatch.setattr(id_sets, "MOST_TOLD", 0)  # or the set is known, and its state alone has to stand
    post = Post.objects.create_one(author_id=bob.pk, text="x")
    Favorite.objects.create(user_id=alice.pk, post_id=post.pk)
    path = f"favorites/check?ids={post.pk}"
    asked(path)
    assert asked(path).by_lane
    redis_client().delete(models.favorited.state_key(alice.pk) + ":m")
    reply = asked(path)
    assert not reply.by_lane
    assert b"true" in reply.body


def test_a_script_that_redis_has_forgotten(asked, alice, monkeypatch):
    monkeypatch.setattr(id_sets, "MOST_TOLD", 0)  # or the set is known, and the script not needed
    path = "favorites/check?ids=1"
    asked(path)
    assert asked(path).by_lane
    redis_client().script_flush()
    assert [asked(path).by_lane for _ in range(2)] == [False, True]


def test_a_connection_that_was_closed_while_idle(asked):
    redis_client().client_kill_filter(_type="normal", skipme=True)
    wait_until(lambda: asked().by_lane)
    assert breaker.is_closed


def test_while_the_breaker_is_open(asked, monkeypatch):
    breaker.trip(OSError("for the test"))
    monkeypatch.setattr(breaker, "recover", lambda: False)
    assert [asked().by_lane for _ in range(3)] == [False] * 3
    monkeypatch.undo()


@pytest.mark.parametrize("step", ["__init__", "is_nonblocking", "further_batches", "document", "headers"])
def test_a_read_that_fails_is_django_s_too(asked, alice, bob, monkeypatch, caplog, step):
    """The error is logged and answered as any error; other requests are not affected."""
    path = f"users/{bob.pk}"
    with monkeypatch.context() as broken:
        broken.setattr(OneUser, step, lambda *_: 1 / 0)
        reply = asked(path, status=200 if step == "is_nonblocking" else 500)  # Django does not call this step
        assert not reply.by_lane
    assert "The hot lane failed" in caplog.text
    assert asked(path).by_lane


def test_redis_hangs_dies_and_comes_back(own_redis, alice, bob):
    served = AsgiServer()
    try:
        wait_until_ready(served, alice)
        path, own = f"/api/v1/users/{bob.pk}", login(alice)
        served.ask(path, headers=own)
        assert served.ask(path, headers=own).by_lane
        for disturb, mend in ((own_redis.freeze, own_redis.thaw), (own_redis.kill, own_redis.start)):
            disturb()
            began = time.monotonic()
            reply = served.ask(path, headers=own)
            assert (reply.status, reply.by_lane) == (200, False)
            assert time.monotonic() - began < 10
            assert not breaker.is_closed
            mend()
            wait_until_ready(served, alice)
    finally:
        served.end()


def test_a_redis_that_the_event_loop_client_does_not_support(alice, settings, caplog):
    settings.CACHES = {
        "default": {
            **settings.CACHES["default"],
            "OPTIONS": {
                **settings.CACHES["default"]["OPTIONS"],
                "CONNECTION_FACTORY": "caching.redis.cluster.ClusterConnectionFactory",
            },
        }
    }
    served = AsgiServer()
    try:
        breaker._closed = True
        replies = [served.ask(f"/api/v1/users/{alice.pk}", headers=login(alice)) for _ in range(3)]
        assert {(reply.status, reply.by_lane) for reply in replies} == {(200, False)}
    finally:
        served.end()
