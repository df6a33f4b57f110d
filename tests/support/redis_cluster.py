"""A Redis Cluster of a single test."""

import itertools
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis

from devtools import servers
from launcher import embedded_redis
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis

NODES = 3
SLOTS = 16_384
HIGHEST_PORT = 55_000  # a node's cluster bus listens 10,000 above its port


class Cluster(NamedTuple):
    clients: list[redis.Redis]
    processes: list[subprocess.Popen[bytes]]


@pytest.fixture
def cluster(tmp_path: Path, settings: Any) -> Iterator[Cluster]:
    """Three masters that this process uses for its cache, as if the process had just started."""
    nodes = [_start_node(tmp_path / str(number)) for number in range(NODES)]
    clients = [redis.Redis(port=port) for port, _ in nodes]
    _join(clients, nodes[0][0])
    options = settings.CACHES["default"]["OPTIONS"] | {
        "CONNECTION_FACTORY": "caching.redis.cluster.ClusterConnectionFactory"
    }
    location = f"redis://127.0.0.1:{nodes[0][0]}"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": location, "OPTIONS": options}}
    with fresh_breaker():
        empty_redis()
        yield Cluster(clients, [process for _, process in nodes])
    for _, process in nodes:
        process.kill()
        process.wait()


def _start_node(folder: Path) -> tuple[int, subprocess.Popen[bytes]]:
    folder.mkdir()
    while (port := servers.free_port()) > HIGHEST_PORT:
        pass
    options = ["--port", str(port), "--dir", str(folder), "--save", "", "--cluster-enabled", "yes"]
    return port, servers.start_process([embedded_redis.redis_server(), *options], port, folder / "redis.log")


def _join(clients: list[redis.Redis], port: int) -> None:
    """Divide the slots among the nodes, introduce each node to the one on `port`, wait until the cluster is whole."""
    bounds = [SLOTS * number // NODES for number in range(NODES + 1)]
    for client, (first, end) in zip(clients, itertools.pairwise(bounds), strict=True):
        client.execute_command("CLUSTER", "ADDSLOTS", *range(first, end))
        client.execute_command("CLUSTER", "MEET", "127.0.0.1", port)
    deadline = time.monotonic() + 20
    while not all(b"cluster_state:ok" in c.execute_command("CLUSTER", "INFO") for c in clients):
        assert time.monotonic() < deadline, "the cluster did not form"
        time.sleep(0.05)
