"""The suite in several processes (pytest-xdist), each with its own servers; the summary names the tests left out.

CI runs a short form: each test on one of the two databases, but for the modules whose names say that databases differ
there, what is marked as `every_server` on the project's own server alone, and a third of the cases of a test that has
more than four; of what is marked as `sampled` a third, or one in as many as the mark says.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from zlib import crc32

import pytest
from django.conf import settings

from popups.config import config_cache

pytest_plugins = [
    "tests.support.api_client",
    "tests.support.asgi_server",
    "tests.support.budgets",
    "tests.support.cast",
    "tests.support.galera",
    "tests.support.lane_domain",
    "tests.support.own_redis",
    "tests.support.programs",
    "tests.support.redis_cluster",
    "tests.support.redis_pair",
    "tests.support.smtp_server",
    "tests.support.truncate",
    "tests.support.web_servers",
    "tests.support.workers",
]
pytest.register_assert_rewrite("tests.support", "tests.posts.settled", "tests.ratings.totals")

from tests.support.short_form import SHORT  # noqa: E402  it must not be imported before its assertions are rewritten

collect_ignore = ["zoo"]  # a project of its own, with settings of its own: make test-zoo
if "TOPOLOGIES" not in os.environ:
    collect_ignore.append("topologies")  # make test-topologies
# The marker of the tests that this run leaves out, and how the summary explains it.
LEFT_OUT, REASON = (
    ("embedded", "make test-services: these are the same on either database, run make test")
    if settings.SERVICES
    else ("services", "make test: these need MariaDB, run make test-services")
)
NOT_COVERED = pytest.StashKey[list[str]]()
ON_BOTH = re.compile("budget|crash|deletion|kill|lock|migration|quer|race|transaction|types")  # modules
MOST_CASES = 4
OTHER_SERVERS = {"granian", "gthread"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.get_closest_marker(LEFT_OUT)]
    items[:] = [item for item in items if not item.get_closest_marker(LEFT_OUT)]
    cases = Counter(map(_test_of, items))
    long = {item for item in items if SHORT and not _is_in_short_form(item, cases[_test_of(item)])}
    if settings.TOPOLOGY == "cluster":
        long |= {item for item in items if item.get_closest_marker("one_redis") or item.path.name == "test_budgets.py"}
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=[*left_out, *long])
    config.stash[NOT_COVERED] = [item.nodeid for item in left_out]


def _test_of(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _is_in_short_form(item: pytest.Item, cases: int) -> bool:
    number = crc32(item.nodeid.encode())
    sampled = item.get_closest_marker("sampled")
    one_in = (sampled.args or (3,))[0] if sampled else 3 if cases > MOST_CASES else 1
    if number // 2 % one_in != 0:
        return False
    if item.get_closest_marker("every_server"):
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        return not OTHER_SERVERS & {*map(str, parameters.values())}
    on_one = item.get_closest_marker("embedded") or item.get_closest_marker("services")
    if "TOPOLOGIES" in os.environ:
        return True
    return bool(on_one or ON_BOTH.search(item.path.name) or number % 2 == settings.SERVICES)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the names of the left-out tests from a worker to the process that prints the summary."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["not_covered"] = session.config.stash.get(NOT_COVERED, [])


def pytest_testnodedown(node) -> None:
    if output := getattr(node, "workeroutput", None):  # None for a worker that was killed
        node.config.stash[NOT_COVERED] = output["not_covered"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if names := config.stash.get(NOT_COVERED, []):
        terminalreporter.section(f"not covered by {REASON}")
        for name in names:
            terminalreporter.write_line(name)


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """Keep pytest-django from renaming each worker's database: each worker has a server of its own."""


@pytest.fixture(autouse=True)
def forget_popup_configs() -> Iterator[None]:
    """Stop the thread that refreshes popup configurations, so that it does not read the next test's database."""
    yield
    config_cache.reset()
