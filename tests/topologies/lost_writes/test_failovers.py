"""Behaviour 69: a failover that loses what was acknowledged, under load: nothing old is read, and nothing fails."""

import contextlib
from collections import defaultdict

import pytest
import redis

from caching.entries.rows import rows_of
from devtools.redis_node import RedisNode
from tests.support.polling import wait_until
from tests.support.short_form import SHORT
from tests.testapp.models import Author
from tests.topologies.lost_writes.conftest import Topology
from tests.topologies.lost_writes.costs import Cost, summary
from tests.topologies.lost_writes.load import PARTS, Load

ROUNDS = 1 if SHORT else 20
LEAST_LOST = 5
LEAST_SHARE = 0.99  # of hits of living servers


@pytest.fixture(scope="module")
def costs(servers):
    """The costs of failovers by their kind; printed with -s when all are over."""
    found = defaultdict(list)
    yield found
    for kind, those in found.items():
        print(f"\n{kind}: {summary(those)}")


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("loss", ["with a loss"] if SHORT else ["with a loss", "without a loss"])
def test_a_master_that_is_killed(topology, costs, loss, number):
    load, part = Load(), number % PARTS
    killed = topology.master_of(key_of(load, part))
    with load.running():
        for each in range(PARTS):  # a server that the round before has promoted is not believed at once
            wait_until_hit(load, each)
        lost = lose_writes(topology, killed, load, part) if loss == "with a loss" else 0
        cost = Cost(load, {each for each in range(PARTS) if topology.master_of(key_of(load, each)) is killed})
        killed.kill()
        topology.wait_until_failed_over(killed)
        wait_until_hit(load, part)
    kind = f"{type(topology).__name__}, {loss}"
    costs[kind].append(cost.end())
    print(f"{kind}, {number}: {lost} old entries, {cost}")
    topology.restart(killed)
    assert cost.others is None or cost.others >= LEAST_SHARE


def key_of(load: Load, part: int) -> str:
    return rows_of(Author).key(load.pks[load.parts.index(part)])


def wait_until_hit(load: Load, part: int) -> None:
    """Return when the rows of a part are read without SQL."""

    def is_hit() -> bool:
        reads, hits = load.hits(part)
        wait_until(lambda: load.hits(part)[0] >= reads + 100)
        return load.hits(part)[1] - hits > 80

    wait_until(is_hit)


def lose_writes(topology: Topology, master: RedisNode, load: Load, part: int) -> int:
    """Have writes acknowledged that no replica gets; return how many entries of the replicas are old then."""
    replicas = topology.cut_off_replicas(master)
    keys = [rows_of(Author).key(pk) for pk, each in zip(load.pks, load.parts, strict=True) if each == part]
    wait_until(lambda: min(old_entries(master, replica, keys) for replica in replicas) >= LEAST_LOST)
    return min(old_entries(master, replica, keys) for replica in replicas)


def old_entries(master: RedisNode, replica: RedisNode, keys: list[str]) -> int:
    """Return how many values a replica has that its master has not."""
    ours, theirs = (entries(node, keys) for node in (master, replica))
    return sum(old is not None and b"V" in old[:10] and old != new for new, old in zip(ours, theirs, strict=True))


def entries(node: RedisNode, keys: list[str]) -> list[bytes | None]:
    with redis.Redis(port=node.port, single_connection_client=True) as client:
        with contextlib.suppress(redis.ResponseError):  # a server that is no node of a cluster
            client.readonly()
        return [client.get(key) for key in keys]
