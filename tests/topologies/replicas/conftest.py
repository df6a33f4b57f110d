from collections.abc import Iterator
from typing import Any

import pytest

from tests.topologies.replicas.hosts import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: Any) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.end()


@pytest.fixture
def replication(site: Site) -> Iterator[Any]:
    """The writer and the replica, which is up to date at the beginning of each test."""
    site.databases.resume()
    yield site.databases
    site.databases.resume()
