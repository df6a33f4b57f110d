"""Behaviour 38: without Redis the entry request is answered, and lost events are counted."""

import time

import pytest

from popups import lost_events
from popups.delivery import totals
from popups.models import Event, Unrecorded

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 1.5


def timed(call):
    began = time.monotonic()
    answer = call()
    assert time.monotonic() - began < DEADLINE_S
    return answer


@pytest.mark.parametrize("gone", ["frozen", "killed"])
def test_redis_away(api, enter, drain, own_redis, alice, bob, popup, gone):
    claim = enter(alice).json["popup"]["claim"]
    click = {"claim": claim, "type": "click"}
    own_redis.freeze() if gone == "frozen" else own_redis.kill()
    for _ in range(3):
        answer = timed(lambda: enter(bob))
        assert answer.json["popup"] is None
        assert answer.headers["cache-control"] == "private, max-age=5"
        refused = timed(lambda: api.post(f"popups/{popup.pk}/events", click, by=alice))
        assert (refused.status, refused.headers["retry-after"]) == (503, "2")
        unknown = api.post(f"popups/{popup.pk}/events", {"claim": "x", "type": "click"}, by=alice)
        assert unknown.status == 404
    assert sum(lost_events.unsaved().values()) + sum(Unrecorded.objects.values_list("times", flat=True)) == 6
    own_redis.thaw() if gone == "frozen" else own_redis.start()
    gives_up_at = time.monotonic() + 5
    while enter(bob).json["popup"] is None:
        assert time.monotonic() < gives_up_at
    assert api.post(f"popups/{popup.pk}/events", click, by=alice).status == 202
    drain()
    assert sorted(Event.objects.values_list("type", flat=True)) == ["click", "shown", "shown"]
    counts = dict(Unrecorded.objects.values_list("reason", "times"))
    assert counts["events"] == 3
    assert counts["redis"] >= 3


def test_whoever_is_due_nothing_is_told_so_without_redis(enter, drain, own_redis, alice, popup):
    before = enter(alice)
    drain()
    own_redis.kill()
    answer = timed(lambda: enter(alice))
    assert answer.json["next_check_at"] >= before.json["next_check_at"]
    assert answer.headers["cache-control"] == "private, max-age=300"
    assert lost_events.unsaved() == {}


def test_redis_goes_away_while_a_total_is_counted(enter, own_redis, alice, popup, monkeypatch):
    summed, moments = totals._sum, iter([own_redis.kill])

    def killing(days):
        for kill in moments:
            kill()
        return summed(days)

    monkeypatch.setattr(totals, "_sum", killing)
    assert timed(lambda: enter(alice)).json["popup"] is None
    assert list(moments) == []
    assert sum(lost_events.unsaved().values()) == 1


def test_a_redis_that_takes_no_writes(api, enter, own_redis, alice, bob, popup):
    claim = enter(alice).json["popup"]["claim"]
    enter(bob)
    own_redis.client().config_set("maxmemory", 1)
    answer = api.post(f"popups/{popup.pk}/events", {"claim": claim, "type": "click"}, by=alice)
    assert answer.status == 503
    assert enter(alice).json["popup"] is None
