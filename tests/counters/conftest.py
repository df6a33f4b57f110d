"""Every test here starts on an empty Redis that may be used, and commits for real."""

import pytest

from caching.testutils import reset_cache
from counters import rollup
from counters.models import Counter, Delta
from tests.shelf.models import Author, Book


@pytest.fixture(autouse=True)
def clean_cache(transactional_db: None) -> None:
    reset_cache()


@pytest.fixture
def book() -> Book:
    return Book.objects.create_one(title="Emma")


@pytest.fixture
def voters() -> list[Author]:
    return [Author.objects.create_one(name=f"Voter {n}", email=f"voter{n}@example.com") for n in range(5)]


@pytest.fixture
def fold():
    return rollup.roll_up_all


@pytest.fixture
def log():
    """What is pending and what is rolled up: {(kind, name): sum}."""

    def read():
        rows = [
            *Delta.objects.values_list("kind", "name", "amount"),
            *Counter.objects.values_list("kind", "name", "value"),
        ]
        sums = {}
        for kind, name, amount in rows:
            sums[kind, name] = sums.get((kind, name), 0) + amount
        return sums

    return read
