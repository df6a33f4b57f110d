"""What the tests on Galera share: the database with its tables, a Redis, and processes of the application."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devtools import servers
from launcher.embedded_redis import redis_server
from tests.support.galera import GaleraCluster
from tests.support.short_form import SHORT
from tests.topologies.galera import actions
from tests.topologies.galera.applications import Application

# CI starts three nodes, and has two of them race.
LONG = ("test_direct_edits.py", "test_failover.py", "test_health.py", "test_locks.py", "test_undecided.py")
collect_ignore = LONG if SHORT else []
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    port, process = servers.start_redis(redis_server(), servers.temporary_folder())
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def start(galera: GaleraCluster, redis_url: str) -> Iterator[Callable[..., Application]]:
    """start(1): a process on node 1; start(0): one that reaches the database through HAProxy."""
    started = []

    def start_one(node: int, **values: str) -> Application:
        url = galera.nodes[node - 1].url() if node else galera.url
        started.append(Application(url, redis_url, **values))
        return started[-1]

    yield start_one
    for each in started:
        each.kill()


@pytest.fixture(scope="session")
def first(start: Any) -> Application:
    return start(1)


@pytest.fixture(scope="session")
def second(start: Any) -> Application:
    return start(2)


@pytest.fixture
def user_id(first: Application) -> int:
    return first.call(actions.new_user, f"user{next(_numbers)}")
