"""The suite in several processes (pytest-xdist), each on servers of its own; what one run cannot cover, it names."""

import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import TransactionTestCase

from popups.config import config_cache
from tests.cleaning import delete_rows

MOST_WORKERS = 4  # each has a database server, and the longest test is not shared
WAITING = 1  # more workers than cores: many tests wait for processes, clocks and time limits
# The marker whose tests this run leaves to the other one, and what they are to be told.
LEFT_OUT, REASON = (
    ("embedded", "make test-services: these are the same on either database, run make test")
    if settings.SERVICES
    else ("services", "make test: these need MariaDB, run make test-services")
)
NOT_COVERED = pytest.StashKey[list[str]]()


def pytest_xdist_auto_num_workers() -> int:
    return min(len(os.sched_getaffinity(0)) + WAITING, MOST_WORKERS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.get_closest_marker(LEFT_OUT)]
    items[:] = [item for item in items if not item.get_closest_marker(LEFT_OUT)]
    config.hook.pytest_deselected(items=left_out)
    config.stash[NOT_COVERED] = [item.nodeid for item in left_out]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells the process that prints the summary."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["not_covered"] = session.config.stash.get(NOT_COVERED, [])


def pytest_testnodedown(node) -> None:
    if output := getattr(node, "workeroutput", None):  # there is none if it was killed
        node.config.stash[NOT_COVERED] = output["not_covered"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if names := config.stash.get(NOT_COVERED, []):
        terminalreporter.section(f"not covered by {REASON}")
        for name in names:
            terminalreporter.write_line(name)


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """pytest-django would give each worker's database another name; they are on different servers already."""


@pytest.fixture(autouse=True)
def no_configs_in_memory() -> Iterator[None]:
    """Of popups: their thread leaves the database of the next test alone."""
    yield
    config_cache.reset()


@pytest.fixture(scope="session", autouse=True)
def cheap_cleaning() -> None:
    TransactionTestCase._fixture_teardown = lambda _: delete_rows()
