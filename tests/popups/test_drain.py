"""Behaviour 38: after crashes and repeats every event is in the table exactly once and acknowledged."""

import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError
from django.db.models import ProtectedError

from caching.api import redis_client
from popups.delivery.states import STATES
from popups.events import drain as draining
from popups.events import stream
from popups.models import Day, Event, Popup, Unrecorded, UserPopup
from tests.popups.processes import die_at, drains, terminated
from tests.popups.shards import backlog, drain_first, first, stream_key, take
from tests.support.forkserver import run_until_killed
from tests.support.polling import wait_until
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shown(enter, api, alice, bob, popup):
    """Put two showings and a click into the stream."""
    claim = enter(alice).json["popup"]["claim"]
    enter(bob)
    assert api.post(f"popups/{popup.pk}/events", {"claim": claim, "type": "click"}, by=alice).status == 202


def settled():
    assert sorted(Event.objects.values_list("type", flat=True)) == ["click", "shown", "shown"]
    assert sorted(UserPopup.objects.values_list("shown", "clicked")) == [(1, 0), (1, 1)]
    assert list(Day.objects.values_list("shown", "clicked", "dismissed")) == [(2, 1, 0)]
    assert backlog() == 0
    for user_id in UserPopup.objects.values_list("user_id", flat=True):
        state = STATES.decode(user_id, redis_client().get(STATES.key(user_id)))
        assert state.pending_events == 0
        assert redis_client().ttl(STATES.key(user_id)) > 0
    return True


@pytest.mark.parametrize("point", ["taken", "written", "committed", "acknowledged"])
def test_a_drain_that_is_killed(shown, drain, point):
    run_until_killed(die_at, point)
    assert Event.objects.count() == (3 if point in ("committed", "acknowledged") else 0)
    drain()
    assert settled()


def test_another_drain_takes_over_after_a_while(shown, monkeypatch):
    dead = stream.new_consumer()
    assert len(take(dead).ids) == 3
    other = stream.new_consumer()
    assert drain_first(other) == 0  # the other consumer may be alive
    time.sleep(0.05)
    assert drain_first(other, min_idle_ms=40) == 3
    assert settled()
    draining._write_with_retries((), first())  # the consumer continues and finds nothing left to acknowledge
    assert drain_first(dead) == 0


def test_what_was_not_written_is_taken_again(shown, drain, monkeypatch):
    def fail(*_, **__):
        raise DatabaseError("away")

    with monkeypatch.context() as away:
        away.setattr(draining, "write", fail)
        consumer = stream.new_consumer()
        for _ in range(2):
            with pytest.raises(DatabaseError):
                drain_first(consumer)
        with pytest.raises(CommandError, match="Nothing lost, but not all written: away"):
            drain()
    assert drain_first(consumer) + drain_first(stream.new_consumer(), min_idle_ms=0) == 3
    assert settled()


def _also_written(events):
    """Write the last of some events, as another drain does, and return it."""
    draining.write(events[-1:], are_new=True)
    return events[-1:]


def test_two_drains_write_the_same_events(shown, drain):
    taken = take(stream.new_consumer())
    with pytest.raises(IntegrityError):
        draining.write([*taken.events, *_also_written(taken.events)], are_new=True)
    assert Event.objects.count() == 1
    for _ in range(2):
        draining._write_with_retries(taken.events, taken.shard)
    drain()
    assert settled()


def test_several_drains_for_ever_and_sigterm(enter, new_user, popup, drain):
    people = [new_user(f"guest_{number}") for number in range(30)]
    key = stream_key()
    with drains(3) as processes:
        for person in people:
            assert enter(person).json["popup"]
        wait_until(lambda: Event.objects.count() > 5)
        wait_until(lambda: len(redis_client().xinfo_consumers(key, stream.GROUP)) == 3)
        assert terminated(processes) == [0, 0, 0]
    drain()
    assert sorted(Event.objects.values_list("user_id", flat=True)) == sorted(person.pk for person in people)
    assert Day.objects.get().shown == 30
    assert backlog() == 0


def test_the_group_is_made_anew(enter, alice, bob, drain, popup):
    enter(alice)
    drain()
    redis_client().flushdb()
    drain()
    enter(bob)
    redis_client().xgroup_destroy(stream_key(), stream.GROUP)
    drain()
    assert sorted(Event.objects.values_list("user_id", flat=True)) == [alice.pk, bob.pk]


def test_events_of_those_who_are_gone(enter, new_user, alice, make, drain):
    popup, other = make(priority=1), make()
    guest = new_user("guest")
    for person in (guest, guest, alice, alice):
        assert enter(person).json["popup"]
    list(delete_user(guest.pk))
    drain()
    assert list(Event.objects.values_list("user_id", "popup_id")) == [(alice.pk, popup.pk), (alice.pk, other.pk)]
    assert dict(Unrecorded.objects.values_list("reason", "times")) == {"gone": 2}
    assert backlog() == 0
    list(delete_user(alice.pk))
    assert not Event.objects.exists()
    assert not UserPopup.objects.exists()
    assert set(Day.objects.values_list("popup_id", "shown")) == {(popup.pk, 1), (other.pk, 1)}
    with pytest.raises(ProtectedError):
        Popup.objects.all().delete()
    assert Popup.objects.count() == 2


def test_an_event_that_cannot_be_read_is_not_in_the_way(shown, drain, caplog):
    key = stream_key()
    good = {"type": "click", "user": 1, "popup": 1, "claim": "ab", "at": 5, "last": 1}
    for strange in ({"x": "y"}, {**good, "type": "bought"}, {**good, "user": "é"}, {**good, "at": 10**30}):
        redis_client().xadd(key, strange)
    drain()
    assert settled()
    assert caplog.text.count("cannot be read and is left out") == 4
    assert dict(Unrecorded.objects.values_list("reason", "times")) == {"malformed": 4}


def test_a_redis_that_gives_an_id_again(enter, alice, bob, drain, popup):
    """Redis was wiped and its clock is behind, so an id of the stream comes again."""
    enter(alice)
    drain()
    redis_client().flushdb()
    event = Event.objects.get()
    other = {"type": "shown", "user": bob.pk, "popup": popup.pk, "claim": "ab" * 12, "at": 5, "last": 1}
    redis_client().xadd(stream_key(), other, id=event.stream_id)
    drain()
    assert Event.objects.count() == 2


def test_events_out_of_order(enter, alice, make, drain):
    """Of two drains, the drain with the newer events may commit first."""
    make(reshow_hours=0)
    for _ in range(3):
        enter(alice)
    first, second, third = take(stream.new_consumer()).events
    for event in (second, third, first):
        draining.write([event])
    pair = UserPopup.objects.get()
    assert (pair.shown, pair.last_claim, pair.last_shown_at) == (3, third.claim, third.at)


def test_it_says_what_it_did(shown):
    said = StringIO()
    call_command("drain_popup_events", once=True, stdout=said)
    assert said.getvalue() == "3 popup events written.\n"


def test_an_event_is_counted_down_once(enter, alice, make, monkeypatch):
    """Two drains have the same event; the second must not decrement the count of waiting events again."""
    make(reshow_hours=0)
    for _ in range(2):
        enter(alice)
    monkeypatch.setattr(stream, "BATCH_SIZE", 1)
    taken = take(stream.new_consumer())
    for _ in range(2):
        stream.acknowledge(taken)
    state = STATES.decode(alice.pk, redis_client().get(STATES.key(alice.pk)))
    assert (state.pending_events, redis_client().ttl(STATES.key(alice.pk))) == (1, -1)


def test_consumers_that_are_gone_are_forgotten(enter, alice, bob, popup, drain, monkeypatch):
    key, unfinished = stream_key(), stream.new_consumer()
    enter(alice)
    assert len(take(unfinished).ids) == 1
    for _ in range(3):
        take(stream.new_consumer())
    assert redis_client().xinfo_groups(key)[0]["consumers"] == 4
    time.sleep(0.05)
    monkeypatch.setattr(stream, "CONSUMER_EXPIRY_MS", 40)
    take(stream.new_consumer())
    names = {each["name"].decode() for each in redis_client().xinfo_consumers(key, stream.GROUP)}
    assert len(names) == 2
    assert unfinished in names
