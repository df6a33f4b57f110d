"""What is PostgreSQL's own: constraints that only the COMMIT checks, transactions that one refused statement ends."""

import pytest
from django.db import IntegrityError, connection, transaction

from caching.testutils import redis_usage
from tests.zoo.models import City, Country, Label

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own")


@pytest.fixture
def city():
    return City.objects.create(country=Country.objects.create(code="nl", number=31), name="Gouda")


def test_a_commit_that_is_refused_leaves_nothing_held(city):
    """Django's foreign keys are checked by the COMMIT, which then says that nothing was written."""
    City.objects.get_one(city.pk)
    with pytest.raises(IntegrityError, match="foreign key"):
        City.objects.update_one(city.pk, country_id="xx")
    assert City.objects.get_one(city.pk).country_id == "nl"
    with redis_usage() as usage:
        assert City.objects.get_one(city.pk).country_id == "nl"
    assert usage.commands == 1  # a hit


def test_a_refused_statement_inside_a_savepoint_ends_no_more_than_that(city):
    label = Label.objects.create(name="a")
    with transaction.atomic():
        City.objects.update_one(city.pk, name="Delft")
        with pytest.raises(IntegrityError), transaction.atomic():
            Label.objects.create(name="a")
        assert Label.objects.get_one(name="a").pk == label.pk
        assert City.objects.get_one(city.pk).name == "Delft"
    assert City.objects.get_one(city.pk).name == "Delft"
