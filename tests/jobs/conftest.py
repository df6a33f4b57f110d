from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.workers import Worker
from tests.support.empty_redis import empty_redis


@pytest.fixture(autouse=True)
def no_heartbeats(request: Any) -> None:
    """Have no heartbeats in Redis of workers that a test before has killed."""
    if request.node.get_closest_marker("django_db"):
        empty_redis()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """worker(*names, **environment): start a worker, which is killed after the test."""
    started: list[Worker] = []

    def start(*names: str, **environment: str) -> Worker:
        started.append(Worker(tmp_path / f"worker{len(started)}", *names, **environment))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
