"""A random walk over all endpoints, while the replica stops and goes on: each answer is as without a replica."""

import os

import pytest

from tests.support import openapi_contract
from tests.support.short_form import SHORT
from tests.topologies.replicas.walk import OPERATIONS, Walk

STEPS = int(os.environ.get("STEPS", 250 if SHORT else 3_000))
SEEDS = range(int(os.environ.get("SEED", 1)), int(os.environ.get("SEED", 1)) + (1 if SHORT else 3))


def test_the_walk_knows_every_operation():
    paths = openapi_contract.document()["paths"]
    described = {
        f"{method.upper()} {path.removeprefix('/api/v1/')}" for path, methods in paths.items() for method in methods
    }
    assert set(OPERATIONS) == {each for each in described if not each.endswith("schema")}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_answer_is_as_without_a_replica(site, replication, seed):
    site.begin_again()
    walk = Walk(site, seed)
    faults, selects = 0, replication.replica.selects()
    is_up = True
    for _ in range(STEPS):
        walk.step()
        chance = walk.random.random()
        if chance < 0.02:
            faults += is_up
            replication.resume() if not is_up else replication.stop(walk.random.choice(["SQL_THREAD", "IO_THREAD"]))
            is_up = not is_up
        elif chance < 0.04:
            site.flush()
    print(f"{walk.number} requests, {faults} stops, 0 wrong; {replication.replica.selects() - selects} SELECTs of it")
    assert faults > STEPS / 200
    assert replication.replica.selects() - selects > STEPS / 20
