"""An event loop on a Redis Cluster: what it sends by server, and what becomes of each command that is redirected."""

import asyncio
from typing import Any

import pytest

from caching.extend import Script
from caching.redis.breaker import breaker
from caching.redis.cluster import slot_map
from caching.redis.event_loop import EventLoopClient
from caching.redis.proofs import proofs
from caching.redis.redirections import Lost
from caching.redis.slot_map import slot_of
from devtools.redis_cluster import RedisCluster
from tests.support.event_loop_connection import close_connection
from tests.support.polling import wait_until

pytestmark = pytest.mark.embedded

ECHO = Script("return {KEYS[1], ARGV[1]}")
BOTH = Script("return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])}")


async def answers(client: EventLoopClient, *commands: Any) -> Any:
    """Return the replies; None if nothing was sent."""
    replied = asyncio.get_running_loop().create_future()
    return await replied if client.send(commands, replied.set_result) else None


def in_loop(scenario: Any) -> Any:
    async def run() -> Any:
        client = EventLoopClient()
        try:
            while await answers(client, ("MGET", "a")) is None:
                await asyncio.sleep(0.005)
            return await scenario(client)
        finally:
            await close_connection(client)

    wait_until(breaker.may_read)
    return asyncio.run(asyncio.wait_for(run(), 30))


class Nodes:
    """The servers of the cluster by what they have."""

    def __init__(self, cluster: RedisCluster) -> None:
        slots = slot_map()
        slots.learn()
        self.by_address = {node.address: node.client() for node in cluster.nodes}
        self.ids = {
            address: client.execute_command("CLUSTER", "MYID").decode() for address, client in self.by_address.items()
        }
        self.of_slot = slots.node_of

    def source_and_other(self, key: str) -> Any:
        source = self.of_slot(slot_of(key))
        return source, next(address for address in self.by_address if address != source)

    def set_slot(self, at: Any, key: str, *state: str) -> None:
        self.by_address[at].execute_command("CLUSTER", "SETSLOT", slot_of(key), *state)

    def begin_move(self, key: str) -> Any:
        source, target = self.source_and_other(key)
        self.set_slot(target, key, "IMPORTING", self.ids[source])
        self.set_slot(source, key, "MIGRATING", self.ids[target])
        return source, target

    def move_key(self, source: Any, target: Any, key: str) -> None:
        self.by_address[source].execute_command("MIGRATE", *target, key, 0, 5000)

    def reads(self) -> dict[Any, int]:
        return {address: client.info("stats")["total_reads_processed"] for address, client in self.by_address.items()}


def test_what_is_asked_in_one_turn_is_a_round_trip_for_each_server(cluster):
    nodes = Nodes(cluster)

    async def scenario(client):
        await asyncio.gather(*(answers(client, ("SET", f"k{n}", n), ECHO.command([f"k{n}"], [n])) for n in range(90)))
        before = nodes.reads()
        found = await asyncio.gather(
            *(
                answers(client, ("MGET", f"k{n}"), ("MGET", f"k{n + 1}"), ECHO.command([f"k{n}"], [n]))
                for n in range(88)
            )
        )
        return before, nodes.reads(), found

    before, after, found = in_loop(scenario)
    assert found == [[[b"%d" % n], [b"%d" % (n + 1)], [b"k%d" % n, b"%d" % n]] for n in range(88)]
    assert {after[address] - before[address] for address in before} == {2}, "theirs, and ours for the statistics"


def test_a_slot_that_has_moved(cluster):
    nodes = Nodes(cluster)

    async def scenario(client):
        await answers(client, ("SET", "here", 1), ("SET", "there", 2))
        source, target = nodes.begin_move("there")
        nodes.move_key(source, target, "there")
        for at in (target, source):
            nodes.set_slot(at, "there", "NODE", nodes.ids[target])
        found = await answers(client, ("MGET", "here"), ("MGET", "there"))
        assert nodes.of_slot(slot_of("there")) == target
        before = nodes.by_address[source].info("commandstats")["cmdstat_mget"]
        assert await answers(client, ("MGET", "there")) == [[b"2"]]
        return found, before, nodes.by_address[source].info("commandstats")["cmdstat_mget"]

    found, before, after = in_loop(scenario)
    assert found == [[b"1"], [b"2"]]
    assert before["rejected_calls"] == after["rejected_calls"] == 1, "the slot map was corrected"


def test_a_slot_that_has_moved_to_a_server_that_may_not_be_trusted(cluster):
    nodes = Nodes(cluster)

    async def scenario(client):
        source, target = nodes.begin_move("there")
        for at in (target, source):
            nodes.set_slot(at, "there", "NODE", nodes.ids[target])
        else_where = next(key for key in map(str, range(99)) if nodes.of_slot(slot_of(key)) not in (source, target))
        breaker.of(target).trip(OSError("for the test"))
        return await answers(client, ("MGET", "there"), ("MGET", else_where), ("MGET", "there"))

    first, second, third = in_loop(scenario)
    assert (type(first), second, type(third)) == (Lost, [None], Lost)


def test_a_slot_on_its_way(cluster):
    nodes = Nodes(cluster)

    async def scenario(client):
        keys = ["{on}:1", "{on}:2"]
        await answers(client, *(("SET", key, key) for key in keys))
        source, target = nodes.begin_move("{on}")
        nodes.move_key(source, target, keys[0])
        separate = await answers(client, ("MGET", keys[0]), ("MGET", keys[1]), ("MGET", "{on}:none"))
        assert nodes.of_slot(slot_of("{on}")) == source
        split = asyncio.ensure_future(answers(client, BOTH.command(keys, []), ("MGET", "else")))
        await asyncio.sleep(0.02)
        assert not split.done(), "it is tried again"
        nodes.move_key(source, target, keys[1])
        return separate, await split

    separate, split = in_loop(scenario)
    assert separate == [[b"{on}:1"], [b"{on}:2"], [None]]
    assert split == [[b"{on}:1", b"{on}:2"], [None]]


def test_a_server_that_has_forgotten_its_scripts_is_taught_again(cluster):
    async def scenario(client):
        commands = [ECHO.command([f"k{n}"], ["x"]) for n in range(30)]
        first = await answers(client, *commands)
        cluster.nodes[1].client().script_flush()
        return first, await answers(client, *commands)

    first, again = in_loop(scenario)
    assert first == again == [[b"k%d" % n, b"x"] for n in range(30)]


def test_a_server_that_dies_costs_its_own_commands_alone(cluster):
    keys = [f"k{n}" for n in range(30)]
    nodes = Nodes(cluster)
    dead = cluster.nodes[0].address

    async def scenario(client):
        await answers(client, *(("SET", key, key) for key in keys))
        cluster.nodes[0].kill()
        return await answers(client, *(("MGET", key) for key in keys))

    found = in_loop(scenario)
    for key, reply in zip(keys, found, strict=True):
        if nodes.of_slot(slot_of(key)) == dead:
            assert isinstance(reply, Exception)
        else:
            assert reply == [key.encode()]


def test_each_server_proves_that_it_takes_writes(cluster):
    nodes = Nodes(cluster)

    def sets():
        return [
            client.info("commandstats").get("cmdstat_set", {}).get("calls", 0) for client in nodes.by_address.values()
        ]

    async def scenario(client):
        proofs.renew()
        before = sets()
        for _ in range(5):
            await answers(client, *(("MGET", f"k{n}") for n in range(30)))
        return before, sets()

    before, after = in_loop(scenario)
    assert [now - then for then, now in zip(before, after, strict=True)] == [1, 1, 1]


def test_a_server_that_refuses_writes_is_not_believed(cluster):
    async def scenario(client):
        commands = [("MGET", f"k{n}") for n in range(30)]
        assert len(await answers(client, *commands)) == 30
        cluster.nodes[0].client().config_set("min-replicas-to-write", 1)
        proofs.renew()
        return await answers(client, *commands)

    found = in_loop(scenario)
    refused = sum(isinstance(reply, Exception) for reply in found)
    assert 0 < refused < 30
    assert [breaker.of(node.address).is_closed for node in cluster.nodes] == [False, True, True]
