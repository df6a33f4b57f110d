"""The migrations create the tables and remove them, and keep existing scores."""

import pytest
from django.core.management import call_command
from django.db import connection

from ratings import services
from ratings.models import Item, Score

pytestmark = pytest.mark.django_db(transaction=True)
HISTOGRAM = ["item_id", "score"]


def tables():
    return {name for name in connection.introspection.table_names() if name.startswith("ratings_")}


def columns():
    with connection.cursor() as cursor:
        return [column.name for column in connection.introspection.get_table_description(cursor, "ratings_item")]


def indexes():
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "ratings_score").values()
    return sorted(each["columns"] for each in found if each["index"])


def test_migrations_go_back_and_forth():
    assert tables() == {"ratings_item", "ratings_score"}
    try:
        call_command("migrate", "ratings", "zero", verbosity=0)
        assert tables() == set()
    finally:
        call_command("migrate", verbosity=0)
    assert tables() == {"ratings_item", "ratings_score"}


def test_scores_outlive_the_way_back_and_forth(alice, item):
    services.rate(user_id=alice.pk, item_id=item.pk, score=5)
    now = indexes()
    assert HISTOGRAM in now
    assert ["item_id"] not in now  # the wider index serves the foreign key
    try:
        call_command("migrate", "ratings", "0001", verbosity=0)
        assert "removed_at" not in columns()
        assert ["item_id"] in indexes()
        assert HISTOGRAM not in indexes()
    finally:
        call_command("migrate", verbosity=0)
    assert indexes() == now
    assert Item.objects.get(pk=item.pk).removed_at is None
    assert Score.objects.get(user=alice).score == 5
