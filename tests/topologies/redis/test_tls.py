"""All servers and Sentinels speak TLS alone, and have passwords; threads and event loops use them like any others."""

import asyncio

import pytest

from caching.entries.rows import rows_of
from caching.redis.breaker import breaker
from caching.redis.event_loop import EventLoopClient
from devtools import servers
from devtools.redis_cluster import RedisCluster
from devtools.redis_node import make_certificate
from devtools.redis_sentinel import RedisSentinel
from tests.caching.statements import statements
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis
from tests.support.event_loop_connection import close_connection
from tests.support.polling import wait_until
from tests.support.redis_cluster import running
from tests.support.redis_location import use_redis
from tests.testapp.models import Author

pytestmark = pytest.mark.embedded
PASSWORD = "of/these:servers@1"
KINDS = {
    "cluster": lambda *arguments, **options: RedisCluster(*arguments, replicas=0, **options),
    "sentinel": lambda *arguments, **options: RedisSentinel(
        *arguments, replicas=1, sentinels=2, sentinel_password=PASSWORD, **options
    ),
}


@pytest.fixture(params=KINDS)
def secured(request, tmp_path, settings, transactional_db):
    certificate = make_certificate(tmp_path / "both.pem")
    binary = servers.program("redis-server") or pytest.skip("Debian's redis-server knows TLS; it is not installed.")
    with running(KINDS[request.param](binary, tmp_path, password=PASSWORD, certificate=certificate)) as topology:
        use_redis(settings, topology.url)
        with fresh_breaker():
            empty_redis()
            yield topology


def test_reads_and_writes(secured):
    author = Author.objects.create_one(name="Ann", email="ann@x")
    wait_until(lambda: is_hit(author))
    Author.objects.update_one(author.pk, name="Bea")
    wait_until(lambda: is_hit(author))
    assert Author.objects.get_one(author.pk).name == "Bea"
    entry = asyncio.run(read(rows_of(Author).key(author.pk)))
    assert b"Bea" in entry


def is_hit(author):
    with statements() as sql:
        Author.objects.get_one(author.pk)
    return not sql


async def read(key):
    client = EventLoopClient()
    try:
        while (replies := await client.ask([("GET", key)])) is None:
            await asyncio.sleep(0.005)
            assert breaker.is_closed
        return replies[0]
    finally:
        await close_connection(client)
