"""A master is killed while people read and write: nobody sees an older text than one that was acknowledged, nor a 5xx.

Whether the last writes reach the replica before the kill is left to chance; losses that are forced are tested apart.
"""

import random

import pytest

from tests.support.short_form import SHORT
from tests.topologies.redis.site import Crowd, Site

ROUNDS = 1 if SHORT else 20
ACCOUNTS = 6 if SHORT else 24
pytestmark = pytest.mark.embedded


@pytest.fixture
def crowd(topology, tmp_path):
    site = Site(tmp_path, topology.url)
    try:
        yield Crowd(site, ACCOUNTS)
    finally:
        site.end()


def test_a_master_that_is_killed(topology, crowd, capsys):
    with crowd.busy():
        for _ in range(ROUNDS):
            victim = random.choice(topology.masters())
            victim.kill()
            topology.wait_until_failed_over(victim)
            topology.restart(victim)
    with capsys.disabled():
        print(f"\n{ROUNDS} masters killed: {dict(crowd.statuses)}, the slowest took {crowd.slowest_s:.2f} s")
    crowd.assert_all_well()
    assert min(crowd.statuses["PATCH 200"], crowd.statuses["GET 200"]) > 10 * ROUNDS
