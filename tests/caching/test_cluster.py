"""The same verbs on a Redis Cluster: rows of one batch live on different nodes."""

import itertools
import time
from types import SimpleNamespace

import pytest
import redis

from caching.entries.rows import rows_of
from caching.redis.client import redis_client
from caching.testutils import reset_cache
from devtools import servers
from launcher import embedded_redis
from tests.caching.breakers import fresh_breaker
from tests.shelf.models import Author

NODES = 3
SLOTS = 16_384


@pytest.fixture
def cluster(tmp_path, settings, monkeypatch):
    """Three masters, formed by hand; the framework's process uses them like one that has just been started."""
    nodes = [start_node(tmp_path / str(number)) for number in range(NODES)]
    clients = [redis.Redis(port=port) for port, _ in nodes]
    bounds = [SLOTS * number // NODES for number in range(NODES + 1)]
    for client, (first, end) in zip(clients, itertools.pairwise(bounds), strict=True):
        client.execute_command("CLUSTER", "ADDSLOTS", *range(first, end))
        client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0][0])
    wait_until_whole(clients)
    options = settings.CACHES["default"]["OPTIONS"] | {
        "CONNECTION_FACTORY": "caching.redis.cluster.ClusterConnectionFactory"
    }
    location = f"redis://127.0.0.1:{nodes[0][0]}"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": location, "OPTIONS": options}}
    with fresh_breaker():
        reset_cache()
        yield SimpleNamespace(clients=clients, processes=[process for _, process in nodes])
    for _, process in nodes:
        process.kill()
        process.wait()


def start_node(folder):
    folder.mkdir()
    while (port := servers.free_port()) > 55_000:
        pass  # a node's bus listens 10,000 above
    options = ["--port", str(port), "--dir", str(folder), "--save", "", "--cluster-enabled", "yes"]
    return port, servers.start_process([embedded_redis.redis_server(), *options], port, folder / "redis.log")


def wait_until_whole(clients):
    deadline = time.monotonic() + 20
    while not all(b"cluster_state:ok" in c.execute_command("CLUSTER", "INFO") for c in clients):
        assert time.monotonic() < deadline, "the cluster did not form"
        time.sleep(0.05)


def test_batches_writes_and_lookups_span_the_nodes(cluster, django_assert_num_queries):
    authors = [Author.objects.create_one(name=f"n{n}", email=f"{n}@x") for n in range(60)]
    pks = [author.pk for author in authors]
    with django_assert_num_queries(1):
        assert [author.pk for author in Author.objects.get_some([*pks, 10**9]).results] == pks
    with django_assert_num_queries(0):
        assert Author.objects.get_some([*pks, 10**9]).missing == [10**9]
    assert all(client.dbsize() > 10 for client in cluster.clients), "rows are spread over the nodes"

    Author.objects.filter(pk__in=pks[:30]).update(name="new")
    assert [row["name"] for row in Author.objects.get_some_cols(pks[28:32], "name").results] == [
        "new",
        "new",
        "n30",
        "n31",
    ]
    with django_assert_num_queries(1):
        assert Author.objects.get_one(email="29@x").pk == pks[29]
    with django_assert_num_queries(0):
        assert Author.objects.get_one(email="29@x").name == "new"


def test_a_node_that_restarts_without_scripts_is_taught_them_again(cluster):
    author = Author.objects.create_one(name="Ann", email="ann@x")
    for client in cluster.clients:
        client.script_flush()
    assert Author.objects.get_one(author.pk).name == "Ann"
    assert redis_client().get(rows_of(Author).key(author.pk))[:1] == b"V"


def test_a_dead_cluster_costs_reads_of_the_database_not_answers(cluster):
    author = Author.objects.create_one(name="Ann", email="ann@x")
    Author.objects.get_one(author.pk)
    for process in cluster.processes:
        process.kill()
    assert Author.objects.get_one(author.pk).name == "Ann"
    Author.objects.update_one(author.pk, name="Bea")
    assert Author.objects.get_one(author.pk).name == "Bea"
