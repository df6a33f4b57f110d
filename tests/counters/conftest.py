"""Each test of this folder starts with an empty Redis and commits its transactions."""

import pytest

from counters import rollup
from counters.models import Counter, Delta
from tests.support.empty_redis import empty_redis
from tests.testapp.models import Author, Book


@pytest.fixture(autouse=True)
def clean_cache(transactional_db: None) -> None:
    empty_redis()


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
    """log(): {(kind, name): sum of the pending deltas and of the rolled-up values}"""

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
