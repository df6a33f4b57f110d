"""Rates are counted in Redis, per caller or per address."""

import time

import pytest

from caching.api import redis_client
from tests.support.cast import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_burst_then_429_with_the_time_to_wait(api, alice, bob, settings):
    settings.THROTTLES = {"user": (0.5, 3)}
    assert [api.get("users/me", by=alice).status for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = api.get("users/me", by=alice)
    assert refused.json["code"] == "throttled"
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert api.get("users/me", by=bob).status == 200  # rates are per user


def test_the_rate_flows_back(api, alice, settings):
    settings.THROTTLES = {"user": (1, 1)}
    assert [api.get("users/me", by=alice).status for _ in range(2)] == [200, 429]
    time.sleep(1.05)
    assert [api.get("users/me", by=alice).status for _ in range(2)] == [200, 429]


def test_refused_requests_do_not_count(api, alice, settings):
    settings.THROTTLES = {"user": (0.1, 1)}
    assert api.get("users/me", by=alice).status == 200
    (key,) = redis_client().keys("*throttle*")
    debt = redis_client().get(key)
    assert {api.get("users/me", by=alice).status for _ in range(5)} == {429}
    assert redis_client().get(key) == debt
    assert 0 < redis_client().pttl(key) <= 10_000  # the key expires when the rate is unused


def test_401_comes_before_429_and_429_before_400(api, alice, dora, settings):
    settings.THROTTLES = {"user": (0.1, 1)}
    assert api.get("users/me", by=alice).status == 200
    assert api.get("users/abc", by=alice).status == 429
    assert [api.get("users/me", by=dora).status for _ in range(3)] == [401] * 3
    assert api.get("users/me").status == 401


def test_registration_and_login_count_the_address_whatever_a_header_claims(api, settings):
    settings.THROTTLES = {"register": (0.1, 2), "token": (0.1, 2)}
    bad = {"username": "x", "password": "y"}
    statuses = [api.post("users", bad, headers={"x-forwarded-for": f"10.0.0.{n}"}).status for n in range(4)]
    assert statuses == [400, 400, 429, 429]
    good = {"username": "alice", "password": PASSWORD}
    assert [api.post("auth/token", good).status for _ in range(3)] == [401, 401, 429]
    assert api.post("auth/token", good, REMOTE_ADDR="10.9.9.9").status == 401


def test_wrong_logins_of_one_address_do_not_refuse_a_refresh(api, alice, settings):
    settings.THROTTLES = {"token": (0.001, 2), "refresh": (0.001, 2), "bad_refresh": (0.001, 2)}
    good = api.post("auth/token", {"username": "alice", "password": PASSWORD}).json
    for _ in range(40):
        api.post("auth/token", {"username": "alice", "password": "x"})
        api.post("auth/token/refresh", {"refresh": "x"})
    assert api.post("auth/token/refresh", {"refresh": "x"}).status == 429
    assert api.post("auth/token", {"username": "alice", "password": PASSWORD}).status == 429
    again = api.post("auth/token/refresh", {"refresh": good["refresh"]})
    assert again.status == 200
    again = api.post("auth/token/refresh", {"refresh": again.json["refresh"]}, REMOTE_ADDR="10.9.9.9")
    assert again.status == 200
    refused = api.post("auth/token/refresh", {"refresh": again.json["refresh"]}, REMOTE_ADDR="10.9.9.10")
    assert refused.status == 429  # rates of refreshes are per user
    assert "retry-after" in refused.headers


def test_without_redis_requests_pass(api, alice, settings, monkeypatch):
    from caching.redis import client

    settings.THROTTLES = {"user": (0.1, 1)}
    api.get("users/me", by=alice)
    assert api.get("users/me", by=alice).status == 429

    def away(commands):
        raise client.FAILURES[0]("refused")

    monkeypatch.setattr("caching.redis.client.round_trip", away)
    assert [api.get("users/me", by=alice).status for _ in range(3)] == [200] * 3


def test_throttles_can_be_switched_off(api, alice, settings):
    settings.THROTTLES = {}
    assert {api.get("users/me", by=alice).status for _ in range(300)} == {200}
    assert not redis_client().keys("*throttle*")
