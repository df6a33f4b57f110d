"""Authentication and throttling on the hot lane: as in Django, and counted once."""

import time
from datetime import timedelta

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from caching.api import redis_client
from serving.hot_lane import lane as hot_lane
from tests.support.asgi_server import login
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def test_a_deactivated_user_is_refused_at_once(lane, alice, bob):
    path, own = f"/api/v1/users/{alice.pk}", login(bob)
    lane.ask(path, headers=own)
    assert lane.ask(path, headers=own).by_lane
    User.objects.update_one(bob.pk, is_active=False)
    refused = lane.ask(path, headers=own)
    assert (refused.status, refused.by_lane) == (401, False)
    assert b"user_inactive" in refused.body
    User.objects.filter(pk=bob.pk).delete()
    assert lane.ask(path, headers=own).status == 401


def test_a_token_is_remembered_until_it_expires(lane, alice):
    token = AccessToken.for_user(alice)
    token.set_exp(lifetime=timedelta(seconds=2))
    own = [("authorization", f"Bearer {token}")]
    path = f"/api/v1/users/{alice.pk}"
    assert lane.ask(path, headers=own).by_lane
    time.sleep(2.1)
    refused = lane.ask(path, headers=own)
    assert (refused.status, refused.by_lane) == (401, False)


def test_remembered_headers_are_few_and_short(lane, alice, bob, monkeypatch):
    monkeypatch.setattr(hot_lane, "MAX_CACHED", 3)
    path, own, known = f"/api/v1/users/{alice.pk}", login(bob), lane.application._parsed_headers
    lane.ask(path, headers=own)  # may be a miss
    known.clear()
    for number in range(7):
        assert lane.ask(path, headers=[*own, ("user-agent", f"phone {number}")]).by_lane
        assert len(known) == 1 + number % 3
        before = dict(known)
        assert lane.ask(path, headers=[*own, ("user-agent", "x" * hot_lane.MAX_CACHED_BYTES)]).by_lane
        assert known == before


@pytest.fixture
def debt(alice):
    def requests_counted(interval_us=10_000_000):
        paid_at = redis_client().get(f"hp:throttle:user:{alice.pk}")
        seconds, micros = redis_client().time()
        return 0 if paid_at is None else round((int(paid_at) - seconds * 1_000_000 - micros) / interval_us + 0.4)

    return requests_counted


def test_hits_and_misses_count_once(lane, alice, bob, settings, debt):
    settings.THROTTLES = {"user": (0.1, 100)}
    own = login(alice)
    handed = [
        lane.ask(f"/api/v1/users/{bob.pk}", headers=own),
        lane.ask("/api/v1/users/999999", headers=own),
        lane.ask("/api/v1/users/999999", headers=own),
        lane.ask("/api/v1/users/abc", headers=own),
        lane.ask("/api/v1/favorites/check?ids=1", headers=own),
    ]
    assert [reply.by_lane for reply in handed] == [False] * 5
    assert debt() == 5
    by_lane = [lane.ask(f"/api/v1/users/{bob.pk}", headers=own).by_lane for _ in range(3)]
    assert (by_lane, debt()) == ([True] * 3, 8)


def test_a_burst_then_429(lane, django, alice, settings, debt):
    settings.THROTTLES = {"user": (0.1, 3)}
    path, own = f"/api/v1/users/{alice.pk}", login(alice)
    replies = [lane.ask(path, headers=own) for _ in range(5)]
    assert [(reply.status, reply.by_lane) for reply in replies] == [(200, True)] * 3 + [(429, False)] * 2
    assert replies[-1].answer == django.ask(path, headers=own).answer
    assert debt() == 3


def test_the_decision_of_the_hot_lane_cannot_be_claimed_by_a_header(lane, alice, settings):
    settings.THROTTLES = {"user": (0.1, 1)}
    own = [*login(alice), ("api.throttles.verdict", "x"), ("api-throttles-verdict", "x")]
    assert [lane.ask("/api/v1/users/me", headers=own).status for _ in range(2)] == [200, 429]
