"""A node of a Cluster that was started again answers LOADING: its keys are read from the database meanwhile."""

import asyncio
import socket

import pytest

from caching.entries.rows import rows_of
from caching.redis.breaker import breaker
from caching.redis.event_loop import EventLoopClient
from devtools import servers
from devtools.redis_cluster import RedisCluster
from tests.caching.statements import statements
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis
from tests.support.event_loop_connection import close_connection
from tests.support.polling import wait_until
from tests.support.redis_cluster import running
from tests.support.redis_location import use_redis
from tests.testapp.models import Author

pytestmark = [pytest.mark.embedded, pytest.mark.django_db(transaction=True)]

ROWS = 300
SLOWLY = ("--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024")
"""A second for each ten keys; the server answers others after each kilobyte."""
LESS_SLOWLY = {"key-load-delay": 30_000, "loading-process-events-interval-bytes": 1024}
"""The same in a third of a second, sooner than who waits for an answer gives up."""


@pytest.fixture
def cluster(tmp_path, settings):
    binary = servers.program("redis-server") or pytest.skip("Debian's redis-server is not installed.")
    with running(RedisCluster(binary, tmp_path, replicas=0, options=("--enable-debug-command", "yes"))) as cluster:
        use_redis(settings, cluster.url)
        with fresh_breaker():
            empty_redis()
            yield cluster


@pytest.fixture
def rows(cluster, settings):
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 100, "PROOF_MS": 100}
    authors = [Author.objects.create_one(name=f"n{n}", email=f"{n}@x") for n in range(ROWS)]
    pks = [author.pk for author in authors]
    wait_until(lambda: asked(pks) == 0)
    return pks


def test_a_node_that_loads_its_data(cluster, rows):
    key = rows_of(Author).key
    node = cluster.master_of(key(rows[0]))
    own = [pk for pk in rows if cluster.master_of(key(pk)) is node]
    others = [pk for pk in rows if pk not in own]
    with node.client() as client:
        client.save()
    node.kill()
    node.launch(*SLOWLY)
    wait_until(lambda: is_loading(node))
    assert asked(own) > 0
    wait_until(lambda: asked(others) == 0)
    Author.objects.update_one(own[0], name="new")
    assert Author.objects.get_one(own[0]).name == "new"
    assert asyncio.run(replies([key(own[0])])) is None
    assert b"n" in asyncio.run(replies([key(others[0])]))[0]
    assert is_loading(node)
    wait_until(node.answers)
    wait_until(lambda: asked(rows) == 0)
    assert Author.objects.get_one(own[0]).name == "new"
    assert b"new" in asyncio.run(replies([key(own[0])]))[0]


def test_a_node_that_loads_its_data_while_an_event_loop_is_linked_to_it(cluster, rows):
    """As a master does that has become a replica: it says LOADING to those who are connected, and is left alone."""
    key = rows_of(Author).key(rows[0])
    asyncio.run(ask_while_it_loads(cluster.master_of(key), key))


async def ask_while_it_loads(node, key):
    client, question = EventLoopClient(), [("GET", key)]
    assert await asked_of(client, question)
    with socket.create_connection(node.address) as connection:
        reload_slowly(node, connection)
        [reply] = await client.ask(question)
        assert str(reply).startswith("LOADING")
        assert not breaker.of(node.address).is_closed
        assert await client.ask(question) is None
        assert is_loading(node)
    await close_connection(client)


def reload_slowly(node, connection):
    """Have a server write its data to a file and load it again, and return while it does so."""
    with node.client() as client:
        for name, value in LESS_SLOWLY.items():
            client.config_set(name, value)
    connection.sendall(b"DEBUG RELOAD\r\n")
    wait_until(lambda: is_loading(node))


def asked(pks):
    """Read rows, and return how many statements that took."""
    with statements() as sql:
        Author.objects.get_some(pks)
    return sql.about(Author)


def is_loading(node):
    """Return what the server says at once; redis-py would repeat the question until it is answered."""
    with socket.create_connection(node.address, timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(100).startswith(b"-LOADING")


async def replies(keys):
    """Ask for entries by an event loop, as the lane does; return None where it is to be asked otherwise."""
    client = EventLoopClient()
    try:
        return await asked_of(client, [("GET", key) for key in keys])
    finally:
        await close_connection(client)


async def asked_of(client, commands):
    for _ in range(20):  # a link is made by the first question
        if found := await client.ask(commands):
            return found
        await asyncio.sleep(0.01)
    return None
