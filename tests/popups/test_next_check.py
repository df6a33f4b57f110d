"""When to ask again: at most five minutes from now, whatever was answered, by the hot lane and by Django."""

import json
import time
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from popups.models import Pacing
from tests.support.asgi_server import login

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST_S = 300


def judge(body, cache_control):
    """Check both times of an answer; return the seconds to wait."""
    wait_s = datetime.fromisoformat(body["next_check_at"]).timestamp() - time.time()
    max_age_s = int(cache_control.partition("max-age=")[2].partition(",")[0])
    assert -1 < wait_s <= LONGEST_S
    assert 0 <= max_age_s <= LONGEST_S
    return wait_s


def nothing(make):
    pass


def shown_for_a_day(make):
    make()


def two(make):
    make()
    make()


def elsewhere(make):
    make(placement="profile")


def for_others(make):
    make(countries="US")


def tomorrow(make):
    make(starts_at=timezone.now() + timedelta(days=1))


def soon_over(make):
    make(ends_at=timezone.now() + timedelta(hours=1))


def capped(make):
    make(user_cap=1)


def capped_out(make):
    make(total_cap=1)


def quiet_for_long(make):
    Pacing.objects.create(quiet_seconds=10 * 24 * 3_600)
    two(make)


ALL = [nothing, shown_for_a_day, two, elsewhere, for_others, tomorrow, soon_over, capped, capped_out, quiet_for_long]


@pytest.mark.parametrize("arrange", ALL)
def test_never_more_than_five_minutes(enter, alice, bob, make, arrange):
    arrange(make)
    for by in (alice, alice, alice, bob, bob, bob):
        answer = enter(by)
        judge(answer.json, answer.headers["cache-control"])


def test_never_more_on_the_hot_lane(lane, alice, make):
    two(make)
    path = "/api/v1/popups/next?placement=home"
    lane.ask("/api/v1/popups/next?placement=elsewhere", headers=login(alice))
    replies = [lane.ask(path, headers=login(alice)) for _ in range(5)]
    for reply in replies:
        judge(json.loads(reply.body), reply.headers["cache-control"])
    assert [bool(json.loads(reply.body)["popup"]) for reply in replies] == [True, True, False, False, False]
    assert replies[-1].by_lane


def test_a_full_stream_is_asked_soon(enter, alice, popup, monkeypatch):
    monkeypatch.setattr("popups.keys.MAX_STREAM_LENGTH", 0)
    answer = enter(alice)
    assert judge(answer.json, answer.headers["cache-control"]) <= 5


def test_without_redis(enter, own_redis, alice, popup):
    own_redis.kill()
    answer = enter(alice)
    assert judge(answer.json, answer.headers["cache-control"]) <= 5


def test_what_is_due_sooner_is_told_exactly(enter, alice, make):
    starts_at = timezone.now() + timedelta(seconds=30)
    make(starts_at=starts_at)
    answer = enter(alice)
    assert abs(datetime.fromisoformat(answer.json["next_check_at"]) - starts_at) < timedelta(seconds=0.001)


def test_a_new_popup_reaches_who_has_just_been_shown_another(enter, alice, make):
    make(reshow_hours=24)
    assert enter(alice).json["popup"]
    make("New")
    assert enter(alice).json["popup"]["title"] == "New"
