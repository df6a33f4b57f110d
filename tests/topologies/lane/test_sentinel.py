"""The hot lane behind Sentinels, whose master dies, hangs, and is demoted without dying."""

import pytest

from tests.support.polling import wait_until
from tests.support.short_form import SHORT
from tests.topologies.lane.traffic import Traffic

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.embedded,
    pytest.mark.skipif(SHORT, reason="the long form: make test-topologies"),
]

USERS, ROUNDS = 20, 5


@pytest.fixture
def servers(own_sentinel, use):
    use(own_sentinel)
    yield own_sentinel
    own_sentinel.wait_until_whole()


@pytest.fixture
def traffic(servers, new_user, alice, request):
    users = [new_user(f"user_{n}", level=1) for n in range(USERS)]
    lane = request.getfixturevalue("lane")
    with Traffic(lane, alice, users) as traffic:
        traffic.wait_for_the_lane()
        yield traffic


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_the_master_is_lost(servers, traffic, fault):
    for _ in range(ROUNDS):
        (lost,) = servers.masters()
        getattr(lost, fault)()
        servers.wait_until_failed_over(lost)
        traffic.wait_for_the_lane()
        if fault == "kill":
            servers.restart(lost)
        else:
            lost.thaw()
            servers.wait_until_whole()


def commands_of(node):
    with node.client() as client:
        return client.info("stats")["total_commands_processed"]


def test_the_master_is_demoted_and_lives_on(servers, traffic):
    for _ in range(ROUNDS):
        (master,) = servers.masters()
        with traffic.without_writes():  # a server that is told to step down loses what it is told meanwhile
            promoted = servers.fail_over(master)
            before = commands_of(promoted)
            wait_until(lambda node=promoted, than=before + 500: commands_of(node) > than)
            traffic.wait_for_the_lane()
        servers.wait_until_whole()
