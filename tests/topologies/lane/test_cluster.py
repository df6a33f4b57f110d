"""The hot lane on a Cluster whose slots move, and whose masters die, hang and change places."""

import itertools

import pytest

from caching.entries.rows import rows_of
from caching.redis.breaker import breaker
from caching.redis.slot_map import slot_of
from tests.support.polling import wait_until
from tests.support.short_form import SHORT
from tests.topologies.lane.traffic import Traffic
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

USERS = 60
MOVED = 100 if SHORT else 2_000
ROUNDS = 1 if SHORT else 5
LONG = pytest.mark.skipif(SHORT, reason="the long form: make test-topologies")


@pytest.fixture
def cluster(settings, own_cluster, use):
    use(own_cluster)
    yield own_cluster
    own_cluster.wait_until_whole()


@pytest.fixture
def traffic(cluster, new_user, alice, request):
    users = [new_user(f"user_{n}", level=1) for n in range(USERS)]
    lane = request.getfixturevalue("lane")
    with Traffic(lane, alice, users) as traffic:
        traffic.wait_for_the_lane()
        yield traffic


def slot(user):
    return slot_of(rows_of(User).key(user.pk))


def test_slots_move_while_the_lane_reads(cluster, traffic):
    source, target = cluster.masters()[:2]
    of_users = {slot(user) for user in traffic.users if cluster.master_of(rows_of(User).key(user.pk)) is source}
    others = (number for number in range(16_384 // 3) if number not in of_users)
    moving = [*of_users, *itertools.islice(others, MOVED - len(of_users))]
    before = traffic.by_lane
    cluster.move_slots(moving, source, target)
    traffic.go_on()
    assert traffic.by_lane > before
    cluster.move_slots(moving, target, source)
    traffic.wait_for_the_lane()


@pytest.mark.parametrize("fault", ["kill", pytest.param("freeze", marks=LONG)])
def test_a_master_is_lost_and_hits_of_the_others_stay_hits(cluster, traffic, alice, fault):
    for _ in range(ROUNDS):
        lost = next(node for node in cluster.masters() if node is not cluster.master_of(rows_of(User).key(alice.pk)))
        living = [user for user in traffic.users if cluster.master_of(rows_of(User).key(user.pk)) is not lost]
        with traffic.without_writes():
            traffic.wait_for_the_lane()
            getattr(lost, fault)()
            # The few that are under way at that moment, and on the way to the lost one too, are not worth a share.
            assert traffic.share_of_lane(living, answers=1_500) >= 0.99
        cluster.wait_until_failed_over(lost)
        traffic.wait_for_the_lane()
        if fault == "kill":
            cluster.restart(lost)
        else:
            lost.thaw()
            cluster.wait_until_whole()


@LONG
def test_a_master_changes_places_with_its_replica(cluster, traffic):
    for _ in range(ROUNDS):
        master = cluster.masters()[0]
        cluster.fail_over(master)
        traffic.wait_for_the_lane()
        cluster.wait_until_whole()


@LONG
def test_a_master_that_only_answers_reads_is_not_believed(cluster, traffic):
    master = cluster.masters()[0]
    with master.client() as client:
        client.config_set("min-replicas-to-write", 5)
        wait_until(lambda: not breaker.of(master.address).is_closed)
        traffic.go_on()
        client.config_set("min-replicas-to-write", 0)
    traffic.wait_for_the_lane()
