"""Client-side caching: what an event loop has read is not read again until it changes; nothing stale is believed."""

import asyncio
import time

import pytest

from caching.api import redis_client
from caching.entries import id_sets
from caching.entries.rows import existence_of, rows_of
from caching.reading.batch import Batch, run_together
from caching.redis import client_side, cluster_links, link
from caching.redis.breaker import breaker
from caching.redis.client_side import ClientSideCache
from caching.redis.cluster import on_cluster
from caching.redis.event_loop import EventLoopClient
from caching.redis.link import RedisProtocol
from caching.redis.script import Script
from tests.support.event_loop_connection import close_connection
from tests.support.polling import wait_until
from tests.testapp.models import Author, Bookmark, bookmarks, open_notes

UNKNOWN, READER = 10**9, 7
ECHO = Script("return ARGV[1]")


class Asker:
    """Asks batches of an EventLoopClient, and counts the commands that Redis gets for each."""

    def __init__(self, client):
        self.client = client

    async def replied(self, batch):
        done = asyncio.get_running_loop().create_future()
        assert batch.send(self.client, done.set_result)
        return batch.resolve(await done)

    async def asked(self, batch):
        """Return (whether everything was a hit, the commands)."""
        before = counted()
        is_hit = await self.replied(batch)
        after = counted()
        return is_hit, {name: n - before.get(name, 0) for name, n in after.items() if n > before.get(name, 0)}


def counted():
    stats = {name: each["calls"] for name, each in redis_client().info("commandstats").items()}
    return {name: n for name, n in stats.items() if name not in {"cmdstat_info", "cmdstat_set"}}  # proofs


def in_loop(scenario):
    async def run():
        client = EventLoopClient()
        try:
            deadline = time.monotonic() + 5
            while client.client_side is None:
                assert time.monotonic() < deadline
                await client.ask([("PING",)])
            return await scenario(Asker(client))
        finally:
            await close_connection(client)

    wait_until(breaker.may_read)
    return asyncio.run(run())


CONFIRMED = {"cmdstat_get" if on_cluster() else "cmdstat_ping": 1}
"""What it takes that what was read is still so; of a cluster, of the server that tells of its commands."""


@pytest.fixture
def everything(ann, bea):
    """A function that returns a batch which asks for entries of several kinds; all of them are filled."""
    Bookmark.objects.bulk_create(Bookmark(reader=READER, book=book) for book in range(1, 9, 2))
    people = [ann.pk, bea.pk, UNKNOWN]

    def ask():
        batch = Batch()
        batch.asked = [
            batch.rows(Author, people),
            batch.add(existence_of(Author).among(people)),
            batch.add(bookmarks.among(READER, [1, 2, 3])),
            batch.add(open_notes.of(READER)),
        ]
        return batch

    ask().run()
    return ask


def results(batch):
    rows, *others = batch.asked
    return [rows.cols("id", "name"), *(each.result for each in others)]


def test_what_was_read_is_not_read_again(everything, django_assert_num_queries):
    async def scenario(asker):
        first, again = everything(), everything()
        assert (await asker.asked(first))[0]
        assert await asker.asked(again) == (True, CONFIRMED)
        return results(first), results(again)

    with django_assert_num_queries(0):
        first, again = in_loop(scenario)
    whole = everything()
    whole.run()
    assert first == again == results(whole)


def test_requests_of_one_turn_are_confirmed_together(everything):
    async def scenario(asker):
        await asker.replied(everything())
        (name,) = CONFIRMED
        before = counted()
        assert all(await asyncio.gather(*(asker.replied(everything()) for _ in range(20))))
        return counted()[name] - before.get(name, 0)

    assert in_loop(scenario) == 1


CHANGES = {
    "a row": lambda ann: redis_client().delete(rows_of(Author).key(ann.pk)),
    "nothing": lambda ann: redis_client().delete(rows_of(Author).key(UNKNOWN)),
    "a hold": lambda ann: redis_client().set(rows_of(Author).key(ann.pk), b"H" + b"a" * 16 + b"9" * 13),
    "a set": lambda ann: redis_client().delete(bookmarks.state_key(READER)),
    "a list": lambda ann: redis_client().delete(open_notes.here().key(READER)),
    "an entry that expires": lambda ann: redis_client().pexpire(rows_of(Author).key(ann.pk), 0),
    "everything": lambda ann: redis_client().flushdb(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_known_to_the_next_who_asks(everything, ann, change):
    async def scenario(asker):
        await asker.replied(everything())
        await asker.replied(everything())
        change(ann)
        return await asker.replied(everything())

    assert not in_loop(scenario)


def test_only_what_has_changed_is_read(everything, ann, bea):
    async def scenario(asker):
        await asker.replied(everything())
        entry = redis_client().get(rows_of(Author).key(ann.pk))
        redis_client().set(rows_of(Author).key(ann.pk), entry)
        await asker.replied(everything())  # is told of the change
        _, commands = await asker.asked(everything())
        return commands

    commands = in_loop(scenario)
    assert on_cluster() or commands["cmdstat_mget"] == 1
    assert "cmdstat_evalsha" not in commands


def test_what_changes_while_the_confirmation_is_under_way_is_no_hit(everything, ann):
    async def scenario(asker):
        await asker.replied(everything())
        batch, done = everything(), asyncio.get_running_loop().create_future()
        assert batch.send(asker.client, done.set_result)
        redis_client().delete(rows_of(Author).key(ann.pk))
        return batch.resolve(await done)

    assert not in_loop(scenario)


def test_what_misses_in_part_keeps_the_rest(everything, ann, bea):
    async def scenario(asker):
        redis_client().delete(rows_of(Author).key(ann.pk))
        batch = everything()
        assert not await asker.replied(batch)
        await asyncio.to_thread(run_together, [batch])
        known = asker.client.client_side
        return known.look_up(rows_of(Author).key_prefix(), rows_of(Author), [ann.pk, bea.pk])

    unread, read = in_loop(scenario)
    assert unread is None
    assert read.id == bea.pk


def test_a_list_that_is_not_cached(everything):
    """All that is asked of its source is missing."""

    async def scenario(asker):
        open_notes.invalidate_owner(READER)
        batch = everything()
        is_hit = await asker.replied(batch)
        await asyncio.to_thread(run_together, [batch])
        return is_hit, results(batch)

    is_hit, found = in_loop(scenario)
    assert not is_hit
    whole = everything()
    whole.run()
    assert found == results(whole)


def test_a_set_that_is_too_large_is_asked_each_time(everything, monkeypatch):
    monkeypatch.setattr(id_sets, "MOST_TOLD", 4)  # it has four, and the sentinel

    async def scenario(asker):
        return [await asker.asked(everything()) for _ in range(2)][1]

    is_hit, commands = in_loop(scenario)
    assert is_hit
    assert commands["cmdstat_evalsha"] == 1


def test_ids_below_the_floor_are_left_to_the_database(everything, monkeypatch):
    monkeypatch.setattr(bookmarks.here(), "newest", 2)
    bookmarks.invalidate_owner(READER)

    def ask(*books):
        batch = Batch()
        batch.asked = batch.add(bookmarks.among(READER, books))
        return batch

    async def scenario(asker):
        await asyncio.to_thread(ask(5).run)
        hits = [await asker.replied(ask(*books)) for books in ((5, 6), (5, 6, 7), (1,), (1, 5))]
        return hits, asker.client.client_side.look_up(bookmarks.here().key_prefix(), bookmarks.here(), [READER])

    hits, (known,) = in_loop(scenario)
    assert hits == [True, True, False, False]
    assert known.members == {5, 7}


def test_scripts_share_the_round_trip(everything):
    async def scenario(asker):
        await asker.replied(everything())
        batch = everything()
        reply = batch.script(ECHO, ["echo"], ["said"])
        redis_client().script_load(ECHO.source)
        is_hit = await asker.replied(batch)
        return is_hit, reply.result, everything().is_known(asker.client, after=batch)

    assert in_loop(scenario) == (True, b"said", True)


def test_everything_is_forgotten_after_a_while(everything, monkeypatch):
    async def scenario(asker):
        await asker.replied(everything())
        monkeypatch.setattr(asker.client.client_side, "_forget_at", 0.0)
        await asker.replied(everything())
        return await asker.asked(everything())

    assert in_loop(scenario)[1] != CONFIRMED


def test_a_redis_that_refuses_to_track(everything, monkeypatch):
    for links in (link, cluster_links):
        monkeypatch.setattr(links, "BEGIN", (("HELLO", "3"), ("CLIENT", "TRACKING", "PERHAPS")))

    async def scenario():
        client = EventLoopClient()
        while await client.ask([("PING",)]) is None:
            await asyncio.sleep(0.01)
        asker = Asker(client)
        found = [await asker.asked(everything()) for _ in range(2)], client.client_side
        await close_connection(client)
        return found

    wait_until(breaker.may_read)
    answers, known = asyncio.run(scenario())
    assert known is None
    assert all(is_hit and commands.keys() & {"cmdstat_get", "cmdstat_mget"} for is_hit, commands in answers)


class Wire:
    """The transport of a link without a server."""

    transport = property(lambda self: self)

    def set_protocol(self, protocol):
        pass

    def write(self, data):
        pass


def test_what_is_told_between_the_replies_is_of_what_they_say():
    async def scenario(changes):
        protocol = RedisProtocol(Wire(), None, lambda _: None)
        known = protocol.client_side = ClientSideCache()
        protocol.send(
            [("MGET", "a:1"), ("PING",)],
            lambda replies: known.put("a:", "source", ["a:1"], [1], replies[0], since=0),
        )
        protocol.proof.due_at = time.monotonic() + 60
        protocol.data_received(b"+OK\r\n" * (len(protocol._waiting) - 1))
        protocol.data_received(b"*1\r\n$1\r\nx\r\n" + changes + b"+PONG\r\n")
        return known.look_up("a:", "source", [1])

    told = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\na:1\r\n"
    assert asyncio.run(scenario(b"")) == [b"x"]
    assert asyncio.run(scenario(told)) == [None]


def test_what_may_have_changed_since_it_was_asked_is_not_kept():
    known = ClientSideCache()
    ids, keys = [1, 2], ["a:1", "a:2"]
    since = known.version
    known.invalidate([b"a:2", b"b:1"])
    known.put("a:", "source", keys, ids, ["old", "old"], since=since)
    assert known.look_up("a:", "source", ids) == ["old", None]
    since = known.version
    known.invalidate(None)
    known.put("a:", "source", keys, ids, ["old", "old"], since=since)
    assert known.look_up("a:", "source", ids) == [None, None]
    known.put("a:", "source", keys, ids, ["new", "new"], since=known.version)
    assert known.look_up("a:", "source", ids) == ["new", "new"]


def test_a_process_does_not_keep_more_than_it_may(monkeypatch):
    monkeypatch.setattr(client_side, "MOST", 10)
    known = ClientSideCache()
    for id_ in range(25):
        known.put("a:", "source", [f"a:{id_}"], [id_], ["value"], since=0)
    assert sum(value is not None for value in known.look_up("a:", "source", range(25))) == 5
