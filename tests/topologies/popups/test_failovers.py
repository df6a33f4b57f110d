"""Behaviour 74: a replica that was cut off takes its master's place, and no claim that was answered is made again."""

import faulthandler
import os
from collections import Counter
from contextlib import suppress

import pytest
from django.core.management import CommandError, call_command

from caching.api import Unavailable
from popups.models import Event, Unrecorded
from tests.popups.shards import backlog
from tests.support.polling import wait_until
from tests.support.short_form import SHORT
from tests.topologies.popups.devices import devices

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

ROUNDS = int(os.environ.get("FAILOVERS", "1" if SHORT else "20"))
USERS, POPUPS = 20, 15


@pytest.fixture(params=["sentinel"] if SHORT else ["cluster", "sentinel"])
def servers(request, cluster_of):
    if request.param == "sentinel":
        return request.getfixturevalue("sentinel")
    servers = cluster_of(3, replicas=1)
    call_command("shard_popups", 6, verbosity=0)
    return servers


def events_wait(beyond=0):
    with suppress(Unavailable):
        return backlog() > beyond


def has_gone_on():
    """Whether events could be written after a failover, and claims went on."""
    return is_drained() and events_wait()


def is_drained():
    """Whether all events could be written; this process learns of a new master at its first use of it."""
    with suppress(CommandError):
        call_command("drain_popup_events", once=True, verbosity=0)
        return True


@pytest.mark.parametrize("loss", ["engineered"] if SHORT else ["engineered", "none"])
def test_no_claim_is_made_twice(servers, people, popups_for_each, tmp_path, loss):
    """While devices claim, replicas are cut off, masters go on alone for a while, and are killed."""
    faulthandler.cancel_dump_traceback_later()  # each wait has its own limit
    user_ids, claims = people(USERS), Counter()
    for number in range(ROUNDS):
        popups_for_each(POPUPS)
        with devices(tmp_path, servers.url, user_ids) as claimed:
            lost = servers.masters()[number % len(servers.masters())]
            wait_until(lambda: events_wait(beyond=15))
            if loss == "engineered":
                servers.cut_off_replicas(lost)
                wait_until(lambda: any(Unrecorded.objects.filter(reason="replica")))
            lost.kill()
            servers.wait_until_failed_over(lost)
            wait_until(has_gone_on)
        claims.update(claimed)
        assert set(claims.values()) == {1}
        servers.restart(lost)
        wait_until(is_drained)
        Unrecorded.objects.all().delete()
    assert claims
    wait_until(is_drained)
    shown = Counter(Event.objects.filter(type="shown").values_list("user_id", "popup_id"))
    assert set(shown.values()) == {1}
    assert claims <= shown
    print(f"{ROUNDS} failovers, {claims.total()} claims, {shown.total()} recorded")
