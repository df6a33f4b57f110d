"""A live gunicorn, with the baselines, on the suite's own servers."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from caching.testutils import reset_cache
from loadtest.baselines.management.commands.seed_benchmark import Command as SeedBenchmark
from loadtest.bench.environment import SETTINGS
from loadtest.bench.web_server import WebServer, run_web_server
from loadtest.load.accounts import log_in

PASSWORD = "of-a-load-test"
PEOPLE = 60


@pytest.fixture(scope="session")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    variables = {
        "DJANGO_SETTINGS_MODULE": SETTINGS, "DEBUG": "off", "THROTTLES": "off", "WEB_WORKERS": "1", "WEB_THREADS": "4",
        "LANE": "off",
    }  # fmt: skip
    with run_web_server({**os.environ, **variables}, tmp_path_factory.mktemp("web") / "log") as server:
        yield server


@pytest.fixture
def site(web: WebServer, transactional_db: None) -> str:
    """The address of the server, whose users have the ids 1 to PEOPLE."""
    reset_cache()
    call_command(SeedBenchmark(), users=PEOPLE, password=PASSWORD)
    return f"http://127.0.0.1:{web.port}"


@pytest.fixture
def tokens(site: str) -> list[str]:
    return [log_in(site, f"user{number}", PASSWORD) for number in (1, 2)]


@pytest.fixture
def redis() -> Any:
    from caching.api import redis_client

    return redis_client()
