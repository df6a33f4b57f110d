"""A Redis Cluster for popups, users, and popups that each of them is due once."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.redis_cluster import RedisCluster
from devtools.redis_sentinel import RedisSentinel
from launcher.embedded_redis import redis_server
from popups.models import Popup
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis
from tests.support.redis_cluster import running
from tests.support.redis_location import use_redis
from users.models import User


@pytest.fixture
def start(tmp_path: Path, settings: Any) -> Iterator[Callable[..., Any]]:
    """start(servers): run them, and have this process use them for its cache, as if it had just started."""
    with contextlib.ExitStack() as stack, fresh_breaker():

        def start_servers(servers: Any) -> Any:
            stack.enter_context(running(servers))
            use_redis(settings, servers.url)
            settings.CACHING = {**settings.CACHING, "RETRY_MS": 100, "PROOF_MS": 100}
            settings.THROTTLES = {}
            empty_redis()
            return servers

        yield start_servers


@pytest.fixture
def cluster_of(start: Any, tmp_path: Path) -> Callable[..., RedisCluster]:
    """cluster_of(masters, replicas): a cluster that goes on without a part of its slots."""
    partial = ["--cluster-require-full-coverage", "no"]

    def make(masters: int, replicas: int = 0) -> RedisCluster:
        folder = tmp_path / f"cluster-{masters}"
        servers = RedisCluster(redis_server(), folder, masters=masters, replicas=replicas, options=partial)
        return start(servers)

    return make


@pytest.fixture
def sentinel(start: Any, tmp_path: Path) -> RedisSentinel:
    return start(RedisSentinel(redis_server(), tmp_path / "sentinel", replicas=1))


@pytest.fixture
def people() -> Callable[[int], list[int]]:
    """people(number): the ids of new users."""

    def make(number: int) -> list[int]:
        User.objects.bulk_create(User(pk=10_000 + each, username=f"guest{each}") for each in range(number))
        return list(range(10_000, 10_000 + number))

    return make


@pytest.fixture
def popups_for_each() -> Callable[[int], list[int]]:
    """popups_for_each(number): the ids of new popups that each user is shown once."""
    return lambda number: [Popup.objects.create(title=f"Popup {each}").pk for each in range(number)]
