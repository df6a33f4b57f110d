"""What `make test` cannot cover, it names."""

import pytest
from django.conf import settings
from django.test import TransactionTestCase

from tests.cleaning import delete_rows

NOT_COVERED = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if settings.SERVICES:
        return
    left_out = [item for item in items if item.get_closest_marker("services")]
    items[:] = [item for item in items if not item.get_closest_marker("services")]
    config.hook.pytest_deselected(items=left_out)
    config.stash[NOT_COVERED] = [item.nodeid for item in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if names := config.stash.get(NOT_COVERED, []):
        terminalreporter.section("not covered by make test: these need MariaDB, run make test-services")
        for name in names:
            terminalreporter.write_line(name)


@pytest.fixture(scope="session", autouse=True)
def cheap_cleaning() -> None:
    TransactionTestCase._fixture_teardown = lambda _: delete_rows()
