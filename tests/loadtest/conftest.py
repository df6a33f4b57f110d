"""A live gunicorn with the baselines, on the servers of the test run."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.core.management import call_command
from django.db import connection

from loadtest.baselines.management.commands.seed_benchmark import Command as SeedBenchmark
from loadtest.baselines.models import Tally
from loadtest.bench.web_server import WebServer, run_web_server
from loadtest.load.accounts import log_in
from tests.loadtest.seeded_users import PASSWORD, USER_COUNT
from tests.support.empty_redis import empty_redis


@pytest.fixture(scope="session")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    variables = {
        "DJANGO_SETTINGS_MODULE": "tests.loadtest.settings", "DEBUG": "off", "THROTTLES": "off", "WEB_WORKERS": "1",
        "WEB_THREADS": "4", "LANE": "off",
    }  # fmt: skip
    with run_web_server({**os.environ, **variables}, tmp_path_factory.mktemp("web") / "log") as server:
        yield server


@pytest.fixture
def site(web: WebServer, transactional_db: None) -> str:
    """Seed the users, and return the address of the server."""
    empty_redis()
    call_command(SeedBenchmark(), users=USER_COUNT, password=PASSWORD)
    return f"http://127.0.0.1:{web.port}"


@pytest.fixture
def tokens(site: str) -> list[str]:
    """Access tokens of the users 1 and 2."""
    return [log_in(site, f"user{number}", PASSWORD) for number in (1, 2)]


@pytest.fixture
def send(site: str, tokens: list[str]) -> Callable[..., Any]:
    """Send a request as the user 1 or 2, and return the document of the answer."""

    def send(method: str, path: str, body: Any = None, user: int = 1) -> Any:
        headers = {"Authorization": f"Bearer {tokens[user - 1]}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{site}{path}", data, headers, method=method)  # noqa: S310  our own server
        with urlopen(request) as answer:  # noqa: S310
            return json.load(answer)

    return send


@pytest.fixture
def get(send: Callable[..., Any]) -> Callable[[str], Any]:
    return lambda path: send("GET", path)


@pytest.fixture
def redis() -> Any:
    from caching.api import redis_client

    return redis_client()


@pytest.fixture
def tallies(transactional_db: None) -> Iterator[Any]:
    """Create the table of tallies, which only the benchmark's own database has."""
    with connection.schema_editor() as editor:
        editor.create_model(Tally)
    yield Tally.objects
    with connection.schema_editor() as editor:
        editor.delete_model(Tally)
