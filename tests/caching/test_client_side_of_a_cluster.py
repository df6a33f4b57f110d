"""What an event loop has read from a Redis Cluster: its servers confirm it, and slots that move leave nothing stale."""

import asyncio
import gc
import time

import pytest

from caching.entries.rows import rows_of
from caching.reading.batch import Batch
from caching.redis.breaker import breaker
from caching.redis.cluster import slot_map
from caching.redis.event_loop import EventLoopClient
from caching.redis.slot_map import slot_of
from tests.support.event_loop_connection import close_connection
from tests.support.polling import wait_until
from tests.testapp.models import Author

pytestmark = [pytest.mark.embedded, pytest.mark.django_db(transaction=True)]
PEOPLE = 60


class Loop:
    """An event loop's client, and what is known to it."""

    def __init__(self, client):
        self.client = client

    async def names(self, pks):
        """Return the names of authors, None if not all are hits."""
        done, batch = asyncio.get_running_loop().create_future(), Batch()
        rows = batch.rows(Author, pks)
        if not batch.send(self.client, done.set_result) or not batch.resolve(await done):
            return None
        return [row.name for row in rows.rows().results]

    async def knows_after(self, asked, pks):
        """Return whether authors count as known, without a round trip, once others have been asked for."""
        done, first, second = asyncio.get_running_loop().create_future(), Batch(), Batch()
        first.rows(Author, asked)
        second.rows(Author, pks)
        assert first.send(self.client, done.set_result)
        assert first.resolve(await done)
        return second.is_known(self.client, after=first)

    async def until_known(self, pks):
        """Wait until all servers tell of changes, and rows are known."""
        deadline = time.monotonic() + 10
        while self.client.client_side is None or await self.names(pks) is None or self.unknown(pks):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)

    def unknown(self, pks):
        known, source = self.client.client_side, rows_of(Author)
        return [pk for pk, value in zip(pks, known.look_up(source.key_prefix(), source, pks), strict=True) if not value]


def in_loop(scenario):
    async def run():
        client = EventLoopClient()
        try:
            while await client.ask([("GET", "a")]) is None:
                await asyncio.sleep(0.01)
            return await scenario(Loop(client))
        finally:
            await close_connection(client)

    wait_until(breaker.may_read)
    return asyncio.run(asyncio.wait_for(run(), 60))


@pytest.fixture
def people(cluster):
    """Primary keys of authors, all in the cache; keys of each server are among them."""
    Author.objects.bulk_create(Author(name=f"{n}", email=f"{n}@example.com") for n in range(PEOPLE))
    pks = sorted(Author.objects.values_list("pk", flat=True))[-PEOPLE:]
    refill(pks)
    assert len({node(cluster, pk).address for pk in pks}) == 3
    return pks


def refill(pks):
    batch = Batch()
    batch.rows(Author, pks)
    batch.run()


def node(cluster, pk):
    return cluster.master_of(rows_of(Author).key(pk))


def commands(cluster):
    stats = [each.client().info("commandstats") for each in cluster.nodes]
    return [{name: each.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("get", "mget")} for each in stats]


def test_each_server_is_asked_once_for_all_requests_of_a_turn(cluster, people):
    async def scenario(loop):
        await loop.until_known(people)
        before = commands(cluster)
        found = await asyncio.gather(*(loop.names(people[n : n + 30]) for n in range(20)))
        return before, commands(cluster), found

    before, after, found = in_loop(scenario)
    assert found == [[str(m) for m in range(n, n + 30)] for n in range(20)]
    for one, other in zip(before, after, strict=True):
        assert other == {"get": one["get"] + 1, "mget": one["mget"]}


def test_few_entries_are_confirmed_by_their_own_servers(cluster, people):
    """So a server that hangs keeps nobody waiting who wants nothing of it."""

    async def scenario(loop):
        await loop.until_known(people)
        before = commands(cluster)
        found = await asyncio.gather(*(loop.names([pk]) for pk in people if node(cluster, pk) is cluster.nodes[0]))
        return before, commands(cluster), found

    before, after, found = in_loop(scenario)
    assert None not in found
    assert [other["get"] - one["get"] for one, other in zip(before, after, strict=True)] == [1, 0, 0]
    assert [each["mget"] for each in after] == [each["mget"] for each in before]


def test_what_one_server_has_confirmed_says_nothing_of_the_others(cluster, people):
    other = next(pk for pk in people if node(cluster, pk) is not node(cluster, people[0]))

    async def scenario(loop):
        await loop.until_known(people)
        return [await loop.knows_after(asked, [other]) for asked in ([people[0]], people)]

    assert in_loop(scenario) == [False, True]


def test_nothing_is_sent_where_nobody_could_confirm(cluster, people):
    """Slots may move, by another thread, between the look at what is known and the question whether it is still so."""

    async def scenario(loop):
        await loop.until_known(people)
        return [loop.client.send(commands, list) for commands in ([("CONFIRM", ("192.0.2.1", 6379))], [])]

    assert in_loop(scenario) == [False, False]


def test_a_request_leaves_no_reference_cycle(cluster, people):
    """Garbage that has to be looked for took a seventh of a web process's time."""

    async def scenario(loop):
        await loop.until_known(people)
        await asyncio.gather(*(loop.names(asked) for asked in ([people[0]], people)))
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                await asyncio.gather(*(loop.names(asked) for asked in ([people[0]], people[:2], people)))
            return gc.collect()
        finally:
            gc.enable()

    assert in_loop(scenario) == 0


def test_a_change_at_any_server_is_known_to_the_next_who_asks(cluster, people):
    async def scenario(loop):
        for each in cluster.nodes:
            await loop.until_known(people)
            pk = next(pk for pk in people if node(cluster, pk) is each)
            each.client().delete(rows_of(Author).key(pk))
            assert await loop.names(people) is None
            await asyncio.to_thread(refill, people)
        return True

    assert in_loop(scenario)


def test_rows_follow_their_slots(cluster, people):
    """What is known of a slot that moves, or is on its way, is never what another server does not have any more."""
    source, target = cluster.masters()[:2]
    moving = [pk for pk in people if node(cluster, pk) is source][:5]

    async def scenario(loop):
        await loop.until_known(people)
        for turn, pk in enumerate(moving):
            await asyncio.to_thread(cluster.move_slots, [slot_of(rows_of(Author).key(pk))], source, target)
            await asyncio.to_thread(rename, pk, f"moved {turn}")
            assert await loop.names([pk]) in (None, [f"moved {turn}"])
            await asyncio.to_thread(refill, people)
            await loop.until_known(people)
            assert await loop.names([pk]) == [f"moved {turn}"]
        return True

    assert in_loop(scenario)


def test_what_was_read_on_its_way_is_not_kept(cluster, people):
    """A command that follows ASK is not tracked: nobody would tell of the change."""
    pk = people[0]
    key = rows_of(Author).key(pk)
    source = node(cluster, pk)
    target = next(each for each in cluster.masters() if each is not source)
    ids = {each: each.client().execute_command("CLUSTER", "MYID") for each in (source, target)}

    async def scenario(loop):
        await loop.until_known(people)
        target.client().execute_command("CLUSTER", "SETSLOT", slot_of(key), "IMPORTING", ids[source])
        source.client().execute_command("CLUSTER", "SETSLOT", slot_of(key), "MIGRATING", ids[target])
        source.client().execute_command("MIGRATE", *target.address, key, 0, 5000)
        for _ in range(3):
            assert await loop.names(people) in (None, [str(n) for n in range(PEOPLE)])
        assert loop.client.client_side is None or pk in loop.unknown(people)
        await asyncio.to_thread(rename, pk, "new")
        assert await loop.names([pk]) in (None, ["new"])
        return True

    assert in_loop(scenario)


def rename(pk, name):
    author = Author.objects.get(pk=pk)
    author.name = name
    author.save()


def test_without_one_server_the_others_are_read(cluster, people):
    lost = cluster.nodes[0]
    others = [pk for pk in people if node(cluster, pk) is not lost]

    async def scenario(loop):
        await loop.until_known(people)
        lost.kill()
        deadline = time.monotonic() + 10
        while loop.client.client_side is not None:
            await loop.names(people)
            await asyncio.sleep(0.01)
            assert time.monotonic() < deadline
        found = await loop.names(others)
        await asyncio.to_thread(cluster.restart, lost)
        return found

    found = in_loop(scenario)
    assert found == [str(n) for n, pk in enumerate(people) if pk in set(others)]
    assert slot_map().nodes
