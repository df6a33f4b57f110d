"""Behaviours 72 and 73: users are divided among shards: caps in total are exact, and their number may change."""

from functools import partial
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from redis.crc import key_slot

from caching.api import redis_client
from popups import layouts, slots
from popups.config import config_cache
from popups.delivery import quotas
from popups.delivery.states import STATES
from popups.keys import FIRST_LAYOUT, layout_of, prefixed
from popups.models import Day, Event, Quota, ShardLayout, Unrecorded, UserPopup
from tests.popups.shards import backlog, forget_totals, open_layout
from tests.support.threads import in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


def shard(*args, **options):
    said = StringIO()
    call_command("shard_popups", *args, stdout=said, **options)
    return said.getvalue()


def claims(answers):
    return [answer.json["popup"]["id"] for answer in answers if answer.json["popup"]]


@pytest.fixture
def people(new_user):
    return [new_user(f"guest_{number}") for number in range(24)]


@pytest.mark.parametrize("masters", [1, 2, 3, 4, 6])
def test_tags_lie_evenly_in_the_slots_of_the_masters(masters):
    bounds = [slots.SLOTS * number // masters for number in range(masters + 1)]
    for number in (12, 60):
        tags = slots.spread_tags("popups", number)
        assert len(set(tags)) == number
        found = [key_slot(f"hp:{{{tag}}}:x".encode()) for tag in tags]
        assert found == [slots.slot_of(tag) for tag in tags]
        per_master = [sum(first <= slot < end for slot in found) for first, end in pairwise(bounds)]
        assert per_master == [number // masters] * masters


@pytest.mark.parametrize("step", [1, 2, 3, 6, 1_000])
def test_users_are_spread_evenly_also_where_ids_come_in_steps(step):
    layout, users = layout_of(1, 12), 12_000
    counts = dict.fromkeys(range(12), 0)
    for user_id in range(1, users * step, step):
        counts[layout.shard_of(user_id).number] += 1
    assert max(counts.values()) < 1.02 * users / 12
    assert min(counts.values()) > 0.98 * users / 12


def test_no_two_layouts_share_a_key():
    found = [layout_of(0, 1), layout_of(1, 3), layout_of(2, 6), layout_of(3, 1), layout_of(4, 3)]
    begins = [each.begin for layout in found for each in layout.shards]
    assert len({*begins}) == len(begins)
    assert FIRST_LAYOUT.shard_of(7).state_key(7) == "{popups}:7"


@pytest.mark.parametrize("cap", [1, 5, 20, 24, 100])
def test_a_cap_in_total_is_exact_over_shards(enter, people, make, drain, cap):
    open_layout(4)
    popup = make(total_cap=cap)
    for _ in range(2):
        answers = in_parallel(*[partial(enter, person) for person in people])
    answers = [*answers, *map(enter, people)]
    drain()
    shown = Event.objects.filter(type="shown")
    assert shown.count() == Day.objects.get().shown == min(cap, len(people))
    assert sum(Quota.objects.values_list("shown", flat=True)) == min(cap, len(people))
    assert sum(Quota.objects.values_list("granted", flat=True)) <= cap
    assert backlog() == 0
    del popup


def test_what_is_not_used_is_given_back(enter, people, make):
    """All is granted to one shard; the others get it from there, one by one."""
    layout = open_layout(3)
    popup = make(total_cap=10)
    enter(people[0])
    own = layout.shard_of(people[0].pk)
    rows = Quota.objects.filter(popup=popup)
    assert set(rows.values_list("cap", flat=True)) == {10}
    each = quotas.PopupInShard(own, popup.pk)
    while quotas.request_grant(layout, each, quotas.Total(0, 10**9)).outcome is quotas.Outcome.GRANTED:
        if sum(rows.values_list("granted", flat=True)) == 10:
            break
    others = [person for person in people if layout.shard_of(person.pk) != own]
    assert len(claims(map(enter, others))) == 9


def test_a_cap_that_is_edited(enter, people, make, drain):
    open_layout(3)
    popup = make(total_cap=12)
    assert len(claims(map(enter, people[:6]))) == 6
    popup.total_cap = 8
    popup.save()
    assert len(claims(map(enter, people[6:]))) == 2
    popup.total_cap = None
    popup.save()
    assert len(claims(map(enter, people[6:18]))) == 10
    popup.total_cap = 20
    popup.save()
    assert len(claims(map(enter, people))) == 2
    drain()
    assert Event.objects.count() == 20


@pytest.mark.parametrize("drained", [False, True])
def test_totals_that_are_lost(enter, people, make, drain, drained):
    open_layout(3)
    popup = make(total_cap=10)
    assert len(claims(map(enter, people[:6]))) == 6
    if drained:
        drain()
    forget_totals(popup.pk)
    assert len(claims(map(enter, people))) == 4


def test_a_shard_whose_data_is_lost_shows_no_more_than_it_was_granted(enter, people, make, drain):
    layout = open_layout(3)
    popup = make(total_cap=60)
    first = claims(map(enter, people))
    assert len(first) == 24
    drain()
    granted = {row.shard: row.granted for row in Quota.objects.filter(popup=popup)}
    shown = {row.shard: row.shown for row in Quota.objects.filter(popup=popup)}
    lost = layout.shards[1]
    for key in redis_client().keys(f"{prefixed(lost.begin)}*"):
        redis_client().delete(key)
    popup.reshow_hours = 0
    popup.save()
    again = []
    while found := claims(map(enter, people)):
        again += found
    assert len(again) == 60 - 24 - (granted[1] - shown[1])
    assert "1 shard had lost data." in shard(recount=True)
    popup.save()
    while found := claims(map(enter, people)):
        again += found
    assert len(again) == 60 - 24


def test_from_one_shard_to_more_and_back(api, enter, people, make, drain):
    first, second = make(priority=1), make()
    answers = [enter(person) for person in people]
    assert claims(answers) == [first.pk] * 24
    body = {"claim": answers[0].json["popup"]["claim"], "type": "click"}
    for number, shards in enumerate((3, 6, 1), 1):
        said = shard(shards)
        assert f"Users are divided among {shards} shard{'s'[: shards - 1]} (" in said
        assert "1 shards" not in said
        layout = layouts.current()
        assert (layout.number, len(layout.shards)) == (number, shards)
        assert Event.objects.filter(type="shown").count() == (24 if number == 1 else 48)
        answers = [enter(person) for person in people]
        assert claims(answers) == ([second.pk] * 24 if number == 1 else [])
    assert api.post(f"popups/{first.pk}/events", body, by=people[0]).status == 202
    assert api.post(f"popups/{first.pk}/events", body, by=people[0]).status == 202
    drain()
    assert UserPopup.objects.filter(popup=first, user=people[0]).get().clicked == 1
    assert not Unrecorded.objects.exists()
    assert "Layout 3, 1 shard:" in shard()


def test_a_process_that_has_not_heard_of_it_cannot_claim(api, enter, people, make, monkeypatch):
    make()
    claimed = enter(people[0]).json["popup"]
    old = layouts.current()
    with monkeypatch.context() as deaf:
        deaf.setattr("popups.config.version.replace", lambda layout: None)
        shard(3)
    layouts.use(old)
    monkeypatch.setattr(config_cache._cache, "snapshot", config_cache._cache.snapshot._replace(layout=old))
    assert enter(people[1]).json["popup"]
    assert layouts.current().number == 1
    layouts.use(old)
    body = {"claim": claimed["claim"], "type": "click"}
    assert api.post(f"popups/{claimed['id']}/events", body, by=people[0]).status == 202
    assert redis_client().get(prefixed(old.shards[0].state_key(people[1].pk))) is None or backlog() == 2
    assert redis_client().type(prefixed(old.shards[0].stream)) == b"string"
    assert backlog() == 2


def test_while_the_shards_are_sealed(api, enter, people, make, drain, monkeypatch):
    popup = make()
    claim = enter(people[0]).json["popup"]["claim"]
    with monkeypatch.context() as interrupted:
        interrupted.setattr("popups.resharding._open", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shard(3)
    answer = enter(people[1])
    assert answer.json["popup"] is None
    assert answer.headers["cache-control"] == "private, max-age=5"
    body = {"claim": claim, "type": "click"}
    assert api.post(f"popups/{popup.pk}/events", body, by=people[0]).status == 503
    assert "A change to 3 shards was not finished" in shard()
    with pytest.raises(CommandError, match="A change to 3 shards was not finished"):
        shard(6)
    assert "Cancelled." in shard(cancel=True)
    assert enter(people[1]).json["popup"]
    assert api.post(f"popups/{popup.pk}/events", body, by=people[0]).status == 202
    assert "There is no unfinished change" in shard(cancel=True)
    shard(6)
    assert enter(people[1]).json["popup"] is None
    assert enter(people[2]).json["popup"]
    drain()
    assert sorted(Event.objects.values_list("type", flat=True)) == ["click", "shown", "shown", "shown"]
    assert dict(Unrecorded.objects.values_list("reason", "times")) == {"moved": 1, "events": 1}


def test_a_seal_that_comes_late_is_taken_off_by_its_own_command(enter, people, make, monkeypatch):
    """A command is cancelled by another one before it has sealed."""
    from popups import resharding

    make()
    sealed = resharding._seal

    def cancel_first(*args):
        resharding.cancel(lambda _: None)
        sealed(*args)

    monkeypatch.setattr(resharding, "_seal", cancel_first)
    with pytest.raises(CommandError, match="Another command has cancelled"):
        shard(3)
    assert enter(people[0]).json["popup"]
    assert layouts.read() == FIRST_LAYOUT
    assert not ShardLayout.objects.exists()


def test_numbers_that_make_no_sense():
    for number in (0, -1, 1_025):
        with pytest.raises(CommandError, match="from 1 to"):
            shard("--", str(number)) if number < 0 else shard(number)


def test_states_are_loaded_from_the_table_after_a_change(enter, people, make):
    make()
    enter(people[0])
    shard(3)
    key = STATES.key(people[0].pk)
    assert redis_client().get(key) is None
    assert enter(people[0]).json["popup"] is None
    assert STATES.decode(people[0].pk, redis_client().get(key)).pending_events == 0
