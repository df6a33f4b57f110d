"""Behaviours 72 and 73 on a Redis Cluster: even work, and shards that change or die while devices claim."""

from collections import Counter
from io import StringIO

import pytest
from django.core.management import call_command

from caching.redis.breaker import breaker
from popups import layouts
from popups.config.compile import ClientContext
from popups.models import Day, Event, Popup, Quota
from tests.popups.processes import next_popup
from tests.popups.shards import backlog
from tests.support.forkserver import run_until_killed
from tests.support.polling import wait_until
from tests.support.short_form import SHORT
from tests.topologies.popups.devices import devices, reshard_and_die

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

LONG = pytest.mark.skipif(SHORT, reason="a part of the long form")
USERS = 30 if SHORT else 240
EACH = 90 if SHORT else 12  # popups, so that there are some left to claim until the end
CAP = 20
POINTS = ["draining"] if SHORT else [
    "announced", "one shard sealed", "sealed", "draining", "before it is opened", "opened",
]  # fmt: skip


def reshard(shards):
    said = StringIO()
    call_command("shard_popups", shards, stdout=said)
    print(said.getvalue())


def used(masters):
    """Return the commands and the CPU (ms) of each master since its start."""
    found = []
    for node in masters:
        with node.client() as client:
            cpu = client.info("cpu")
            commands = client.info("stats")["total_commands_processed"]
            found.append((commands, 1_000 * (cpu["used_cpu_user"] + cpu["used_cpu_sys"])))
    return found


@LONG
@pytest.mark.parametrize("masters", [1, 2, 3])
def test_claims_are_spread_evenly_over_the_masters(cluster_of, people, popups_for_each, masters):
    cluster, user_ids, popup_ids = cluster_of(masters), people(2 * USERS), popups_for_each(6)
    reshard(12)
    for user_id in user_ids:
        next_popup(user_id, ClientContext("elsewhere"))
    next_popup(user_ids[0], ClientContext("home"))
    before = used(cluster.masters())
    claims = [next_popup(user_id, ClientContext("home")) for _ in popup_ids[1:] for user_id in user_ids]
    work = [
        (after[0] - start[0], after[1] - start[1]) for start, after in zip(before, used(cluster.masters()), strict=True)
    ]
    assert all(claims)
    total = sum(commands for commands, _ in work)
    print(f"{masters} masters, {len(claims)} claims: commands and CPU ms of each:", work)
    assert all(abs(commands * masters / total - 1) < 0.15 for commands, _ in work), work
    call_command("drain_popup_events", once=True, verbosity=0)
    assert Event.objects.count() == len(claims) + 1


def judge(claims, user_ids, popup_ids, capped):
    """Every claim was made once, and is in the table; each user was shown all, and caps are exact."""
    call_command("drain_popup_events", once=True, verbosity=0)
    assert set(claims.values()) == {1}
    assert Counter(Event.objects.filter(type="shown").values_list("user_id", "popup_id")) == claims
    shown = Counter(popup_id for _, popup_id in claims)
    assert shown[capped] == CAP == sum(Day.objects.filter(popup=capped).values_list("shown", flat=True))
    assert {popup_id: shown[popup_id] for popup_id in popup_ids} == dict.fromkeys(popup_ids, len(user_ids))
    assert backlog() == 0


def finish(claims, user_ids):
    """Let each user be shown the rest."""
    for user_id in user_ids:
        while popup := next_popup(user_id, ClientContext("home")):
            claims[user_id, popup["id"]] += 1


@LONG
def test_from_one_shard_to_three_to_six_while_devices_claim(cluster_of, people, popups_for_each, tmp_path):
    cluster, user_ids, popup_ids = cluster_of(3), people(USERS), popups_for_each(EACH)
    capped = Popup.objects.create(title="Capped", total_cap=CAP, priority=-1).pk
    with devices(tmp_path, cluster.url, user_ids) as claims:
        for shards in (3, 6):
            wait_until(lambda: backlog() > 20)
            reshard(shards)
            assert len(layouts.read().shards) == shards
        wait_until(lambda: backlog() > 20)
    assert claims.total() > 60
    finish(claims, user_ids)
    judge(claims, user_ids, popup_ids, capped)


@pytest.mark.parametrize("point", POINTS)
def test_the_command_is_killed(cluster_of, people, popups_for_each, tmp_path, point):
    cluster, user_ids, popup_ids = cluster_of(3), people(USERS), popups_for_each(EACH)
    capped = Popup.objects.create(title="Capped", total_cap=CAP, priority=1).pk
    reshard(2)
    with devices(tmp_path, cluster.url, user_ids) as claims:
        wait_until(lambda: backlog() > 20)
        run_until_killed(reshard_and_die, cluster.url, 4, point)
        reshard(4)
        wait_until(lambda: backlog() > 20)
    finish(claims, user_ids)
    judge(claims, user_ids, popup_ids, capped)


@LONG
def test_a_shard_that_is_dead_for_a_while(cluster_of, people):
    """Its part of the cap is stranded, and neither lost nor exceeded once it is back."""
    cluster, user_ids = cluster_of(3), people(USERS)
    capped = Popup.objects.create(title="Capped", total_cap=CAP).pk
    reshard(3)
    layout, shown = layouts.read(), Counter()

    def claim(some):
        for user_id in some:
            if next_popup(user_id, ClientContext("home")):
                shown[user_id] += 1

    first = [next(each for each in user_ids if layout.shard_of(each) == shard) for shard in layout.shards]
    claim(first)
    dead = cluster.master_of(f"hp:{layout.shards[1].stream}")
    dead.freeze()
    living = [each for each in user_ids if layout.shard_of(each) != layout.shards[1] and each not in first]
    claim(living)
    stranded = Quota.objects.get(popup=capped, shard=1).granted - 1
    assert stranded > 0
    assert shown.total() == min(CAP - stranded, 3 + len(living))
    dead.thaw()
    wait_until(lambda: breaker.retry() and backlog() is not None)
    wait_until(lambda: claim([each for each in user_ids if not shown[each]]) or shown.total() == CAP)
    claim(user_ids)
    assert shown.total() == CAP
    call_command("drain_popup_events", once=True, verbosity=0)
    assert Counter(Event.objects.values_list("user_id", flat=True)) == shown
