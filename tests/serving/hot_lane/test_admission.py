"""Authentication and throttling on the hot lane: as in Django, and counted once."""

import time
from datetime import timedelta

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from api import tokens
from caching.api import redis_client
from caching.recent import Recent
from serving.hot_lane import lane as hot_lane
from tests.support.asgi_server import login
from users import logins
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


def test_ended_tokens_are_refused_at_once_as_in_django(lane, django, alice, bob):
    path = f"/api/v1/users/{alice.pk}"
    here, there = (logins.begin(bob.pk, generation=0, user_agent="") for _ in range(2))
    mine, others = ([("authorization", f"Bearer {each['access']}")] for each in (here, there))
    lane.ask(path, headers=mine)
    assert lane.ask(path, headers=mine).by_lane
    logins.end(tokens.refresh_claims(here["refresh"]))
    lane.ask(path, headers=others)  # may be a miss
    assert lane.ask(path, headers=others).by_lane
    refused = lane.ask(path, headers=mine)
    assert (refused.status, refused.by_lane) == (401, False)
    assert b"token_not_valid" in refused.body
    assert refused.answer == django.ask(path, headers=mine).answer
    User.objects.update_one(bob.pk, password="!")
    for own in (mine, others, login(bob)):
        refused = lane.ask(path, headers=own)
        assert (refused.status, refused.by_lane) == (401, False)
        assert refused.answer == django.ask(path, headers=own).answer
    new = logins.begin(bob.pk, generation=User.objects.get(pk=bob.pk).token_generation, user_agent="")
    own = [("authorization", f"Bearer {new['access']}")]
    assert lane.ask(path, headers=own).answer == django.ask(path, headers=own).answer
    assert lane.ask(path, headers=own).by_lane


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 10**400}, {"exp": 10**18}, {"exp": "4000000000"}, {"exp": True}, {"exp": float("inf")},
        {"exp": 4e9 + 0.5}, {"iat": [1]}, {"nbf": 2.5}, {"jti": 5}, {"user_id": [1]}, {"login": "1"}, {"login": True},
        {"login": 0}, {"generation": 1}, {"generation": -1}, {"generation": None}, {"token_type": "refresh"},
    ],
    ids=repr,
)  # fmt: skip
def test_a_strange_token_is_a_401_as_in_django(lane, django, alice, changes):
    token = AccessToken.for_user(alice)
    token.payload.update(changes)
    own = [("authorization", f"Bearer {token}")]
    refused = lane.ask(f"/api/v1/users/{alice.pk}", headers=own)
    assert (refused.status, refused.by_lane) == (401, False)
    assert b"token_not_valid" in refused.body
    assert refused.answer == django.ask(f"/api/v1/users/{alice.pk}", headers=own).answer


def test_a_token_is_remembered_until_it_expires(lane, alice):
    token = AccessToken.for_user(alice)
    token.set_exp(lifetime=timedelta(seconds=2))
    own = [("authorization", f"Bearer {token}")]
    path = f"/api/v1/users/{alice.pk}"
    assert lane.ask(path, headers=own).by_lane
    time.sleep(2.1)
    refused = lane.ask(path, headers=own)
    assert (refused.status, refused.by_lane) == (401, False)


def test_remembered_headers_are_few_and_short(lane, alice, bob):
    path, own = f"/api/v1/users/{alice.pk}", login(bob)
    lane.ask(path, headers=own)  # may be a miss
    known = lane.application._parsed_headers = Recent(4)
    for number in range(7):
        assert lane.ask(path, headers=[*own, ("user-agent", f"phone {number}")]).by_lane
        before = known.kept()
        assert 1 <= before <= 4
        assert lane.ask(path, headers=[*own, ("user-agent", "x" * hot_lane.MAX_CACHED_BYTES)]).by_lane
        assert known.kept() == before


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
