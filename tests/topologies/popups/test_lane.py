"""Behaviour 74 on the hot lane: a claim is answered once a replica has it, and the lane waits for that by itself."""

import json

import pytest

from popups import lost_events
from popups.models import Popup, Unrecorded
from tests.support.asgi_server import login
from tests.support.polling import wait_until
from tests.support.short_form import SHORT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]
HOME = "/api/v1/popups/next?placement=home"
ELSEWHERE = "/api/v1/popups/next?placement=elsewhere"


@pytest.fixture(params=["sentinel"] if SHORT else ["cluster", "sentinel"])
def servers(request, cluster_of):
    if request.param == "sentinel":
        return request.getfixturevalue("sentinel")
    return cluster_of(3, replicas=1)


def test_claims_by_the_lane(servers, lane, alice, bob):
    def ask(by, path=HOME):
        reply = lane.ask(path, headers=login(by))
        return json.loads(reply.body)["popup"], reply.by_lane

    Popup.objects.create(title="First", reshow_hours=0)
    assert ask(bob)[0]  # the total is cached, and whether there are replicas is known
    wait_until(lambda: ask(alice, ELSEWHERE)[1])
    wait_until(lambda: all(ask(alice)))
    assert [all(ask(alice)) for _ in range(5)] == [True] * 5
    lost_events.save()
    before = sum(Unrecorded.objects.values_list("times", flat=True))
    (master,) = {servers.master_of("hp:{popups}:events")}
    servers.cut_off_replicas(master)
    for _ in range(3):
        assert ask(alice) == (None, True)
    lost_events.save()
    assert sum(Unrecorded.objects.values_list("times", flat=True)) == before + 3
    for node in servers.nodes:
        node.join_master()
    servers.wait_until_whole()
    wait_until(lambda: all(ask(alice)))
