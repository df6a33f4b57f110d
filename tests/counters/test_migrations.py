"""The migrations create the tables and remove them."""

from django.core.management import call_command
from django.db import connection


def tables():
    return {name for name in connection.introspection.table_names() if name.startswith("counters_")}


def test_migrations_go_back_and_forth():
    there = tables()
    assert there == {"counters_counter", "counters_delta", "counters_reconciliation"}
    try:
        call_command("migrate", "counters", "zero", verbosity=0)
        assert tables() == set()
    finally:
        call_command("migrate", verbosity=0)
    assert tables() == there
