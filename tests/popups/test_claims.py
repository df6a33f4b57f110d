"""Behaviour 36: caps, cooldowns and quiet time hold across devices and after entries are lost in Redis."""

import time
from functools import partial

import pytest

from caching.api import redis_client
from caching.extend import Result
from popups import keys
from popups.delivery.states import STATES
from popups.models import Day, Event, Pacing, Unrecorded, UserPopup
from tests.popups.shards import backlog, forget_totals
from tests.support.threads import in_parallel

pytestmark = pytest.mark.django_db(transaction=True)
SECOND_H = 1 / 3_600


@pytest.fixture
def redis():
    return redis_client()


def shown(answer):
    return answer.json["popup"] and answer.json["popup"]["id"]


def state_of(user):
    return STATES.decode(user.pk, redis_client().get(STATES.key(user.pk)))


def test_two_devices_at_once_claim_each_popup_once(enter, alice, make):
    popups = {make(f"Popup {number}").pk for number in range(4)}
    answers = in_parallel(*[partial(enter, alice) for _ in range(12)])
    claimed = [shown(answer) for answer in answers if shown(answer)]
    while popup := shown(enter(alice)):
        claimed.append(popup)
    assert sorted(claimed) == sorted(popups)
    assert backlog() == 4


def test_the_loser_of_a_race_is_given_what_is_due_after_it(enter, alice, make, monkeypatch):
    """A device decides on a state that another device has changed since."""
    first, second = make(priority=1), make()
    enter(alice)
    stale = STATES.load([alice.pk])[alice.pk]
    key = STATES.key(alice.pk)
    monkeypatch.setattr(STATES, "of", lambda user_id: Result(STATES, {key: user_id}, lambda values: stale))
    assert shown(enter(alice)) == second.pk
    assert shown(enter(alice)) is None
    assert [row.popup for row in state_of(alice).histories] == [str(first.pk), str(second.pk)]


def test_the_interval_is_over_on_redis_clock(enter, alice, make):
    popup = make(reshow_hours=SECOND_H)
    began = time.time()
    answer = enter(alice)
    assert shown(enter(alice)) is None
    while not shown(again := enter(alice)):
        time.sleep(0.005)
    assert 1 <= time.time() - began < 1.5
    assert shown(again) == popup.pk
    assert answer.json["next_check_at"] < again.json["next_check_at"]


@pytest.mark.parametrize("ahead_s", [3_600, -3_600])
def test_the_clock_of_a_web_server_is_wrong(enter, alice, bob, make, monkeypatch, ahead_s):
    """Redis' clock decides, so servers cannot differ: a claim by a server whose clock is ahead is refused."""
    make(reshow_hours=0.5)
    assert shown(enter(alice))
    now = time.time_ns
    monkeypatch.setattr("popups.delivery.next_popup.time.time_ns", lambda: now() + ahead_s * 10**9)
    answer = enter(alice)
    assert shown(answer) is None
    assert int(answer.headers["cache-control"].partition("max-age=")[2]) == 300


def test_a_click_starts_its_own_cooldown(api, enter, alice, make):
    popup = make(reshow_hours=0, click_cooldown_hours=SECOND_H)
    claims = [enter(alice).json["popup"]["claim"] for _ in range(2)]
    body = {"claim": claims[0], "type": "click"}
    assert api.post(f"popups/{popup.pk}/events", body, by=alice).status == 202
    assert shown(enter(alice)) == popup.pk  # an event with an older claim changes nothing
    claim = enter(alice).json["popup"]["claim"]
    began = time.time()
    for _ in range(2):
        assert api.post(f"popups/{popup.pk}/events", {"claim": claim, "type": "click"}, by=alice).status == 202
        assert shown(enter(alice)) is None
    while not shown(enter(alice)):
        time.sleep(0.005)
    assert 1 <= time.time() - began < 1.5


def test_quiet_time_holds_for_all_popups_and_placements(enter, alice, bob, make):
    make()
    make(placement="profile")
    Pacing.objects.create(quiet_seconds=1)
    assert shown(enter(alice))
    assert shown(enter(alice, placement="profile")) is None
    assert shown(enter(bob, placement="profile"))
    time.sleep(1.01)
    assert shown(enter(alice, placement="profile"))


def test_caps_of_a_user(enter, alice, bob, make):
    make(user_cap=2, reshow_hours=0)
    assert [bool(shown(enter(alice))) for _ in range(4)] == [True, True, False, False]
    assert shown(enter(bob))


@pytest.mark.parametrize("drained", [False, True])
def test_a_cap_in_total_is_exact_and_survives_a_loss_of_the_total(enter, new_user, make, drain, redis, drained):
    popup = make(total_cap=10, reshow_hours=0)
    people = [new_user(f"guest_{number}") for number in range(8)]
    in_parallel(*[partial(enter, person) for person in people])
    if drained:
        drain()
    forget_totals(popup.pk)
    assert sum(bool(shown(answer)) for answer in in_parallel(*[partial(enter, person) for person in people])) == 2
    drain()
    assert Day.objects.get().shown == Event.objects.count() == 10


def test_a_cap_is_counted_anew_after_a_wipe(enter, alice, bob, make, redis):
    make(total_cap=1)
    assert [bool(shown(enter(person))) for person in (alice, bob)] == [True, False]
    redis.flushdb()  # the showing was not drained, so it is lost
    assert [bool(shown(enter(bob))) for _ in range(3)].count(True) == 1
    assert backlog() == 1


def test_a_cap_that_is_raised(enter, alice, bob, carol, make):
    popup = make(total_cap=1)
    assert [bool(shown(enter(person))) for person in (alice, bob)] == [True, False]
    popup.total_cap = 2
    popup.save()
    assert [bool(shown(enter(person))) for person in (bob, carol)] == [True, False]


def test_a_state_is_kept_until_the_database_knows_it(api, enter, alice, drain, popup, redis):
    claim = enter(alice).json["popup"]["claim"]
    key = STATES.key(alice.pk)
    assert (redis.ttl(key), state_of(alice).pending_events) == (-1, 1)
    api.post(f"popups/{popup.pk}/events", {"claim": claim, "type": "click"}, by=alice)
    assert (redis.ttl(key), state_of(alice).pending_events) == (-1, 2)
    before = state_of(alice)
    drain()
    after = state_of(alice)
    assert redis.ttl(key) > 6 * 24 * 3_600 * 0.9
    assert (after.pending_events, after.revision, after.histories) == (0, before.revision, before.histories)


def test_a_state_that_is_loaded_says_the_same(api, enter, alice, drain, make, redis):
    first, second = make(priority=1, reshow_hours=0), make()
    Event.objects.all()
    enter(alice)
    first.is_active = False
    first.save()
    claim = enter(alice).json["popup"]["claim"]
    for kind in ("click", "dismiss"):
        api.post(f"popups/{second.pk}/events", {"claim": claim, "type": kind}, by=alice)
    drain()
    before = state_of(alice)
    redis.flushdb()
    assert shown(enter(alice)) is None
    assert state_of(alice).histories == before.histories
    body = {"claim": claim, "type": "click"}
    assert api.post(f"popups/{second.pk}/events", body, by=alice).status == 202  # the loaded state knows the claim
    assert backlog() == 0


def test_redis_is_wiped(api, enter, alice, drain, popup, redis):
    """Drained events are kept, others are lost with the stream; their claims stay valid."""
    first = enter(alice).json["popup"]["claim"]
    drain()
    redis.flushdb()
    assert shown(enter(alice)) is None
    UserPopup.objects.all().delete()
    redis.flushdb()
    lost = enter(alice).json["popup"]["claim"]
    redis.flushdb()
    assert api.post(f"popups/{popup.pk}/events", {"claim": lost, "type": "click"}, by=alice).status == 202
    assert api.post(f"popups/{popup.pk}/events", {"claim": lost, "type": "click"}, by=alice).status == 202
    assert api.post(f"popups/{popup.pk}/events", {"claim": first, "type": "click"}, by=alice).status == 202
    assert shown(enter(alice)) is None  # clicked
    drain()
    assert sorted(Event.objects.values_list("type", flat=True)) == ["click", "click", "shown"]


def test_ids_beyond_the_numbers_of_lua(api, enter, alice, drain, make):
    popup = make(id=2**53 + 1)
    claim = enter(alice).json["popup"]["claim"]
    assert shown(enter(alice)) is None
    assert api.post(f"popups/{popup.pk}/events", {"claim": claim, "type": "click"}, by=alice).status == 202
    drain()
    assert set(Event.objects.values_list("popup_id", flat=True)) == {2**53 + 1}


def test_the_stream_is_full(api, enter, alice, bob, drain, popup, monkeypatch):
    claim = enter(alice).json["popup"]["claim"]
    monkeypatch.setattr(keys, "MAX_STREAM_LENGTH", 1)
    answer = enter(bob)
    assert (shown(answer), answer.headers["cache-control"]) == (None, "private, max-age=5")
    refused = api.post(f"popups/{popup.pk}/events", {"claim": claim, "type": "click"}, by=alice)
    assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (503, "events_unavailable", "2")
    drain()
    assert shown(enter(bob)) == popup.pk
    drain()
    assert api.post(f"popups/{popup.pk}/events", {"claim": claim, "type": "click"}, by=alice).status == 202
    assert dict(Unrecorded.objects.values_list("reason", "times")) == {"full": 1, "events": 1}
