"""A Redis that may evict what was shown: popups rest until it may not."""

import pytest
import redis

from caching.api import redis_client
from popups import eviction
from tests.support.asgi_server import login

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_redis]


@pytest.fixture
def policy(monkeypatch):
    """policy(name, maxmemory): set the policy of Redis, and let this process find it as if some seconds had gone."""
    client = redis_client()
    before = {name: client.config_get(name)[name] for name in ("maxmemory-policy", "maxmemory")}

    def set_to(name, maxmemory="1gb"):
        client.config_set("maxmemory", maxmemory)
        client.config_set("maxmemory-policy", name)
        monkeypatch.setattr(eviction, "_looked_at", float("-inf"))

    eviction.forget()
    yield set_to
    for name, value in before.items():
        client.config_set(name, value)
    eviction.forget()


@pytest.mark.parametrize("name", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_nothing_is_shown_and_no_event_is_taken(policy, popup, enter, alice, bob, caplog, api, name):
    claim = enter(alice).json["popup"]["claim"]
    click = {"claim": claim, "type": "dismiss"}
    policy(name)
    answer = enter(bob)
    assert answer.json["popup"] is None
    assert answer.headers["cache-control"] == "private, max-age=5"
    refused = api.post(f"popups/{popup.pk}/events", click, by=alice)
    assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (503, "events_unavailable", "2")
    (told,) = [record.getMessage() for record in caplog.records if record.name == "popups.eviction"]
    assert f"(maxmemory-policy {name})" in told
    policy("volatile-lru")
    assert enter(bob).json["popup"]["id"] == popup.pk
    assert api.post(f"popups/{popup.pk}/events", click, by=alice).status == 202
    assert "Popups are shown again." in caplog.text


@pytest.mark.parametrize(("name", "maxmemory"), [("volatile-ttl", "1gb"), ("noeviction", "1gb"), ("allkeys-lru", "0")])
def test_a_redis_that_evicts_nothing_without_an_expiry_is_safe(policy, popup, enter, alice, name, maxmemory):
    policy(name, maxmemory)
    assert enter(alice).json["popup"]["id"] == popup.pk


def test_whoever_is_due_nothing_is_told_so_as_ever(policy, popup, enter, alice):
    enter(alice)
    policy("allkeys-lru")
    assert enter(alice).headers["cache-control"] == "private, max-age=300"


def test_the_hot_lane_leaves_it_to_django(policy, popup, lane, alice, bob):
    path = "/api/v1/popups/next?placement=home&platform=ios&app_version=3.2.0"
    for user in (alice, bob):
        lane.ask(f"/api/v1/users/{user.pk}", headers=login(user))
    policy("allkeys-lru")
    first, second = (lane.ask(path, headers=login(user)) for user in (alice, bob))
    assert (b'"popup":null' in first.body, first.by_lane) == (True, False)
    assert b'"popup":null' in second.body


def test_what_is_known_holds_for_two_seconds(policy, monkeypatch):
    asked = []
    policy("volatile-lru")
    monkeypatch.setattr(eviction, "ask", lambda: asked.append(1) or "")
    assert [eviction.unsafe_server() for _ in range(3)] == ["", "", ""]
    assert len(asked) == 1
    monkeypatch.setattr(eviction, "MAX_AGE_S", 0)
    eviction.unsafe_server()
    assert len(asked) == 2


def test_a_redis_that_refuses_info_changes_nothing(policy, monkeypatch):
    policy("allkeys-lru")
    assert eviction.unsafe_server()

    def refused():
        raise redis.exceptions.NoPermissionError("no permissions to run the 'info' command")

    monkeypatch.setattr(eviction, "ask", refused)
    assert eviction.look()
    eviction.forget()
    assert eviction.look() == ""
