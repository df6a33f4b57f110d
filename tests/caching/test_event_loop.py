"""The Redis client of an event loop: concurrent calls share a pipeline; a late or broken connection replies None."""

import asyncio
import contextlib
import time

import pytest
from redis.connection import Connection

from caching.redis.breaker import breaker
from caching.redis.client import redis_client
from caching.redis.event_loop import EventLoopClient
from tests.support.circuit_breaker import fresh_breaker
from tests.support.event_loop_connection import close_connection
from tests.support.own_redis import OwnRedis
from tests.support.polling import wait_until
from tests.support.redis_location import use_redis
from tests.support.threads import LONGEST_S

PASSWORD = "of/a:test"


async def connected(client: EventLoopClient) -> None:
    deadline = time.monotonic() + LONGEST_S
    while (replies := await answers(client, ("PING",))) is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    assert replies == [b"PONG"]


def in_loop(scenario):
    async def run():
        client = EventLoopClient()
        try:
            await connected(client)
            return await scenario(client)
        finally:
            await close_connection(client)

    wait_until(breaker.may_read)
    return asyncio.run(run())


async def answers(client: EventLoopClient, *commands):
    """Return the replies; None if nothing was sent to Redis, or Redis did not reply."""
    replied = asyncio.get_running_loop().create_future()
    return (
        await replied if client.send(commands, lambda replies: replied.done() or replied.set_result(replies)) else None
    )


def test_all_who_ask_in_one_turn_share_a_round_trip():
    async def scenario(client):
        redis = redis_client()
        read = redis.info("stats")["total_reads_processed"]
        found = await asyncio.gather(*(answers(client, ("SET", f"k{n}", n), ("GET", f"k{n}")) for n in range(50)))
        return found, redis.info("stats")["total_reads_processed"] - read

    found, reads = in_loop(scenario)
    assert found == [[b"OK", b"%d" % n] for n in range(50)]
    assert reads == 2  # theirs, and ours for the statistics


def test_errors_are_replies_and_large_values_come_in_pieces():
    async def scenario(client):
        large = "x" * 3_000_000
        return await asyncio.gather(
            answers(client, ("SET", "a", large), ("LPUSH", "a", "1"), ("GET", "a")), answers(client, ("PING",))
        )

    (first, error, value), pong = in_loop(scenario)
    assert (first, len(value), pong) == (b"OK", 3_000_000, [b"PONG"])
    assert isinstance(error, Exception)
    assert "WRONGTYPE" in str(error)


def test_who_waits_too_long_gets_none_and_the_breaker_opens(own_redis):
    async def scenario(client):
        own_redis.freeze()
        began = time.monotonic()
        first = answers(client, ("PING",))
        late = await asyncio.gather(first, *(answers(client, ("PING",)) for _ in range(3)))
        took = time.monotonic() - began
        refused = await answers(client, ("PING",))
        own_redis.thaw()
        return late, took, refused

    late, took, refused = in_loop(scenario)
    assert late == [None] * 4
    assert 0.4 < took < 2
    assert refused is None
    assert not breaker.is_closed


def test_a_caller_who_leaves_does_not_shift_the_replies_of_others():
    async def scenario(client):
        left = asyncio.ensure_future(answers(client, ("ECHO", "left")))
        stays = asyncio.ensure_future(answers(client, ("ECHO", "stays")))
        await asyncio.sleep(0)
        left.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await left
        return await stays

    assert in_loop(scenario) == [b"stays"]


def test_a_caller_who_fails_takes_nobody_along(caplog):
    async def scenario(client):
        assert client.send([("ECHO", "fails")], lambda replies: 1 / 0)
        return await answers(client, ("ECHO", "stays"))

    assert in_loop(scenario) == [b"stays"]
    assert "ZeroDivisionError" in caplog.text


def test_a_password_and_a_database(tmp_path, settings, own_redis):
    own_redis.client().config_set("requirepass", PASSWORD)
    url = own_redis.url.replace("//", "//:of%2Fa%3Atest@").replace("/0", "/3")
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": url}}
    assert breaker.may_read()
    redis_client().set("where", "three")
    assert in_loop(lambda client: answers(client, ("GET", "where"))) == [b"three"]


@pytest.mark.one_redis
def test_a_unix_socket(tmp_path, settings, monkeypatch):
    server = OwnRedis(tmp_path)
    try:
        server.start("--unixsocket", str(tmp_path / "s"))
        use_redis(settings, f"unix://{tmp_path}/s?db=2")
        with fresh_breaker():
            assert breaker.may_read()
            redis_client().set("where", "two")
            assert in_loop(lambda client: answers(client, ("GET", "where"))) == [b"two"]
    finally:
        server.end()


class OwnConnection(Connection):
    """A class of connections that the event loop's client does not know."""


OWN = {"CONNECTION_POOL_KWARGS": {"connection_class": OwnConnection, "max_connections": 9}}
UNUSABLE = {
    "a OwnConnection is not supported.": ("redis://127.0.0.1:1/9", OWN),
    "This instance has cluster support disabled": ("redis+cluster://127.0.0.1:{port}", {}),
    "no Sentinel tells who is the master of 'main': Error 111": ("redis+sentinel://127.0.0.1:1/main", {}),
}


@pytest.mark.one_redis
@pytest.mark.parametrize("complaint", UNUSABLE)
def test_what_it_cannot_use_it_says_once(settings, caplog, complaint):
    location, more = UNUSABLE[complaint]
    use_redis(settings, location.format(port=redis_client().info("server")["tcp_port"]))
    settings.CACHES["default"]["OPTIONS"] |= more
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 10}

    async def scenario():
        client = EventLoopClient()
        for _ in range(20):
            assert not client.send([("PING",)], print)
            await asyncio.sleep(0.005)

    asyncio.run(scenario())
    (said,) = [record.message for record in caplog.records if "event loop" in record.message]
    assert complaint in said
