"""2,000 slots move from each master to the next while people read and write: nothing old is read, nothing fails."""

import pytest
from redis.crc import key_slot

from devtools.redis_cluster import RedisCluster
from tests.support.short_form import SHORT
from tests.topologies.redis.site import Crowd, Site

SLOTS = 300 if SHORT else 2_000
ACCOUNTS = 6 if SHORT else 60
pytestmark = pytest.mark.embedded


@pytest.mark.parametrize("topology", ["cluster"], indirect=True)
def test_slots_that_move(topology, tmp_path, capsys):
    site = Site(tmp_path, topology.url)
    try:
        crowd = Crowd(site, ACCOUNTS)
        with crowd.busy():
            masters, moved, busy = topology.masters(), 0, slots_with_keys(topology)
            for source, target in zip(masters, [*masters[1:], masters[0]], strict=True):
                slots = sorted(topology.slots_of(source), key=lambda slot: slot not in busy)[: SLOTS // 3 + 1]
                topology.move_slots(slots, source, target)
                moved += len(slots)
        with capsys.disabled():
            print(f"\n{moved} slots moved: {dict(crowd.statuses)}, the slowest took {crowd.slowest_s:.2f} s")
        crowd.assert_all_well()
        assert moved >= SLOTS
        topology.wait_until_whole()
    finally:
        site.end()


def slots_with_keys(cluster: RedisCluster) -> set[int]:
    return {key_slot(key) for master in cluster.masters() for key in master.client().scan_iter()}
