import pytest


@pytest.fixture(autouse=True)
def start(empty_cache_without_throttles):
    pass
