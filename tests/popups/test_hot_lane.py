"""The next popup by the hot lane and by Django: equal but for the claim and the time; without Redis, Django answers."""

import re

import pytest

from caching.api import redis_client
from popups.delivery.states import STATES
from popups.models import Event, Popup
from tests.popups.shards import forget_totals
from tests.support.asgi_server import login

pytestmark = pytest.mark.django_db(transaction=True)
ELSEWHERE, HOME = "/api/v1/popups/next?placement=elsewhere", "/api/v1/popups/next?placement=home"
MOMENTS = re.compile(rb'"claim":"[^"]{32}"|"next_check_at":"[^"]+"')


def comparable(reply):
    headers = {**reply.headers, "cache-control": re.sub(r"=[0-9]+", "=n", reply.headers["cache-control"])}
    del headers["content-length"]  # a time without microseconds is shorter
    headers.pop("x-request-id", None)  # another one for each request
    return reply.status, headers, MOMENTS.sub(b"", reply.body)


@pytest.fixture
def popups(make, enter, carol):
    """Three popups that are due in this order; a user has been shown them, so their totals are cached."""
    made = [make('小明 🎉 "quoted"', priority=2, body="x" * 500), make(priority=1, reshow_hours=100), make()]
    while enter(carol).json["popup"]:
        pass
    return made


@pytest.fixture
def both(lane, django, popups, alice, bob):
    """both(path): the replies of the hot lane to alice and of Django to bob, whose states are cached."""
    for user in (alice, bob):
        django.ask(ELSEWHERE, headers=login(user))

    def ask(path=HOME):
        return lane.ask(path, headers=login(alice)), django.ask(path, headers=login(bob))

    return ask


@pytest.mark.parametrize(
    "more",
    [
        "", "&platform=ios", "&platform=ios&app_version=3.2.0", "&app_version=3", "&app_version=v3.2.0-beta",
        "&app_version=3.2.0+5", "&platform=ios&app_version=3.2.0%20(42)", "&app_version=x", "&app_version=%zz%ff",
    ],
)  # fmt: skip
def test_both_ways(both, popups, more, drain):
    for popup in popups:
        by_lane, by_django = both(HOME + more)
        assert comparable(by_lane) == comparable(by_django)
        assert b'{"popup":{"id":%d,' % popup.pk in by_lane.body
        assert by_lane.by_lane
    by_lane, by_django = both(HOME + more)
    assert comparable(by_lane) == comparable(by_django)
    assert b'{"popup":null,' in by_lane.body
    assert by_lane.by_lane
    drain()
    assert {Event.objects.filter(popup=popup).count() for popup in popups} == {3}


@pytest.mark.parametrize(
    "path",
    [
        "popups/next", "popups/next?placement=", "popups/next?placement=no+word",
        "popups/next?platform=ios&placement=home",
        "popups/next?placement=home&app_version=", f"popups/next?placement=home&app_version={'1' * 101}",
        "popups/next?placement=home&placement=home",
    ],
)  # fmt: skip
def test_what_is_odd_is_answered_by_django(both, path):
    by_lane, by_django = both(f"/api/v1/{path}")
    assert not by_lane.by_lane
    assert by_lane.status == by_django.status


def lose_the_state(user, popup):
    redis_client().delete(STATES.key(user.pk))


def lose_the_total(user, popup):
    forget_totals(popup.pk)


def edit(user, popup):
    Popup.objects.get(pk=popup.pk).save()


@pytest.mark.parametrize("disturb", [lose_the_state, lose_the_total, edit])
def test_what_takes_the_database_is_left_to_django(both, popups, alice, disturb):
    disturb(alice, popups[0])
    by_lane, by_django = both()
    assert not by_lane.by_lane
    assert comparable(by_lane) == comparable(by_django)
    assert both()[0].by_lane


def test_a_full_stream_is_counted(both, monkeypatch):
    monkeypatch.setattr("popups.keys.MAX_STREAM_LENGTH", 0)
    by_lane, by_django = both()
    assert comparable(by_lane) == comparable(by_django)
    assert by_lane.by_lane
    assert b'{"popup":null,' in by_lane.body
