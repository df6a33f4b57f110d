"""The zoo's suite: each test commits its transactions in both databases, and starts with an empty cache.

CI runs a short form: each test on one of the three kinds of databases, but for the modules whose names say that these
differ there. On the newest Django it runs a third of all.
"""

import os
import re
from zlib import crc32

import django
import pytest
import pytest_django
from django.db import connection

from caching.testutils import reset_cache
from tests.zoo.models import Person
from tests.zoo.tables import make_unmanaged_tables

pytest_plugins = [
    "tests.support.misdeclared",
    "tests.support.own_redis",
    "tests.support.truncate",
    "tests.support.workers",
]
ON_ALL = re.compile("atomic|column|postgresql|spelling|transaction|undecided|writer")  # modules
THIRDS = {"sqlite": 0, "mysql": 1, "postgresql": 2}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test without a mark of its own both databases, and transactions that it commits."""
    if os.environ.get("CI") == "true":
        left_out = [item for item in items if not _is_in_short_form(item)]
        items[:] = [item for item in items if _is_in_short_form(item)]
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        if not item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.django_db(transaction=True, databases=["default", "other"]))


def _is_in_short_form(item: pytest.Item) -> bool:
    if item.get_closest_marker("any_database"):
        return connection.vendor == "sqlite"
    on_all = ON_ALL.search(item.path.name) and django.VERSION < (6, 0)
    return bool(on_all) or crc32(item.nodeid.encode()) % 3 == THIRDS[connection.vendor]


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """Keep pytest-django from renaming each worker's databases: each worker has servers of its own."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> None:
    """Make the tables that Django does not manage, as another program would."""
    with django_db_blocker.unblock():
        make_unmanaged_tables()


@pytest.fixture(autouse=True)
def clean_cache(_django_db_helper: None) -> None:
    """Empty the cache before each test."""
    reset_cache()


@pytest.fixture
def people(db: None) -> list[Person]:
    """Three people."""
    return [Person.objects.create(name=f"p{n}") for n in range(3)]
