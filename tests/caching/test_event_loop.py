"""The pipe of an event loop: one pipeline for all who ask at once; late, broken and refused connections answer None."""

import asyncio
import contextlib
import time

import pytest

from caching.redis.breaker import breaker
from caching.redis.client import redis_client
from caching.redis.event_loop import EventLoopClient
from tests.support.own_redis import OwnRedis
from tests.support.polling import wait_until

PASSWORD = "of/a:test"


async def connected(pipe: EventLoopClient) -> None:
    deadline = time.monotonic() + 5
    while (replies := await answers(pipe, ("PING",))) is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    assert replies == [b"PONG"]


def in_loop(scenario):
    async def run():
        pipe = EventLoopClient()
        await connected(pipe)
        return await scenario(pipe)

    wait_until(breaker.may_read)
    return asyncio.run(run())


async def answers(pipe: EventLoopClient, *commands):
    """The replies; None if Redis was not asked, or did not answer."""
    replied = asyncio.get_running_loop().create_future()
    return await replied if pipe.send(commands, lambda replies: replied.done() or replied.set_result(replies)) else None


def test_all_who_ask_in_one_turn_share_a_round_trip():
    async def scenario(pipe):
        client = redis_client()
        read = client.info("stats")["total_reads_processed"]
        found = await asyncio.gather(*(answers(pipe, ("SET", f"k{n}", n), ("GET", f"k{n}")) for n in range(50)))
        return found, client.info("stats")["total_reads_processed"] - read

    found, reads = in_loop(scenario)
    assert found == [[b"OK", b"%d" % n] for n in range(50)]
    assert reads == 2  # theirs, and ours for the statistics


def test_errors_are_replies_and_large_values_come_in_pieces():
    async def scenario(pipe):
        large = "x" * 3_000_000
        return await asyncio.gather(
            answers(pipe, ("SET", "a", large), ("LPUSH", "a", "1"), ("GET", "a")), answers(pipe, ("PING",))
        )

    (first, error, value), pong = in_loop(scenario)
    assert (first, len(value), pong) == (b"OK", 3_000_000, [b"PONG"])
    assert isinstance(error, Exception)
    assert "WRONGTYPE" in str(error)


def test_who_waits_too_long_gets_none_and_the_breaker_opens(own_redis):
    async def scenario(pipe):
        own_redis.freeze()
        began = time.monotonic()
        first = answers(pipe, ("PING",))
        late = await asyncio.gather(first, *(answers(pipe, ("PING",)) for _ in range(3)))
        took = time.monotonic() - began
        refused = await answers(pipe, ("PING",))
        own_redis.thaw()
        return late, took, refused

    late, took, refused = in_loop(scenario)
    assert late == [None] * 4
    assert 0.4 < took < 2
    assert refused is None
    assert not breaker.is_closed


def test_a_caller_who_leaves_does_not_shift_the_replies_of_others():
    async def scenario(pipe):
        left = asyncio.ensure_future(answers(pipe, ("ECHO", "left")))
        stays = asyncio.ensure_future(answers(pipe, ("ECHO", "stays")))
        await asyncio.sleep(0)
        left.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await left
        return await stays

    assert in_loop(scenario) == [b"stays"]


def test_a_caller_who_fails_takes_nobody_along(caplog):
    async def scenario(pipe):
        assert pipe.send([("ECHO", "fails")], lambda replies: 1 / 0)
        return await answers(pipe, ("ECHO", "stays"))

    assert in_loop(scenario) == [b"stays"]
    assert "ZeroDivisionError" in caplog.text


def test_a_password_and_a_database(tmp_path, settings, own_redis):
    own_redis.client().config_set("requirepass", PASSWORD)
    url = own_redis.url.replace("//", "//:of%2Fa%3Atest@").replace("/0", "/3")
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": url}}
    assert breaker.may_read()
    redis_client().set("where", "three")
    assert in_loop(lambda pipe: answers(pipe, ("GET", "where"))) == [b"three"]


def test_a_unix_socket(tmp_path, settings, monkeypatch):
    server = OwnRedis(tmp_path)
    try:
        server.start("--unixsocket", str(tmp_path / "s"))
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"unix://{tmp_path}/s?db=2"}}
        assert breaker.may_read()
        redis_client().set("where", "two")
        assert in_loop(lambda pipe: answers(pipe, ("GET", "where"))) == [b"two"]
    finally:
        server.end()


@pytest.mark.parametrize("factory", ["caching.redis.cluster.ClusterConnectionFactory"])
def test_what_it_does_not_speak_to_it_says_once(settings, caplog, factory):
    options = {**settings.CACHES["default"]["OPTIONS"], "CONNECTION_FACTORY": factory}
    settings.CACHES = {"default": {**settings.CACHES["default"], "OPTIONS": options}}
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 10}

    async def scenario():
        pipe = EventLoopClient()
        for _ in range(10):
            assert not pipe.send([("PING",)], print)
            await asyncio.sleep(0.005)

    asyncio.run(scenario())
    (complaint,) = [record.message for record in caplog.records if "event loop" in record.message]
    assert complaint.endswith("threads read the cache for it: Redis Cluster is not supported.")
