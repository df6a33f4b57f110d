"""Each test of this folder starts with an empty Redis and commits its transactions."""

import pytest

from tests.support.empty_redis import empty_redis
from tests.testapp.models import Author


@pytest.fixture(autouse=True)
def clean_cache(transactional_db: None) -> None:
    empty_redis()


@pytest.fixture
def ann() -> Author:
    return Author.objects.create_one(name="Ann", email="ann@example.com", secret="s3cret")


@pytest.fixture
def bea() -> Author:
    return Author.objects.create_one(name="Bea", email="bea@example.com")


@pytest.fixture
def cached(ann):
    """A row with an entry in the cache."""
    Author.objects.get_one(ann.pk), Author.objects.get_one(email="ann@example.com")
    return ann
