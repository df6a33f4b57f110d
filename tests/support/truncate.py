"""Fast cleaning of the database after a test that commits."""

from functools import cache

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection
from django.test import TransactionTestCase

KEPT = {ContentType._meta.db_table, Permission._meta.db_table}  # filled by `migrate`, changed by no test


@pytest.fixture(scope="session", autouse=True)
def fast_teardown() -> None:
    """Replace Django's flush after each test, which runs statements for every table, filled or empty."""
    TransactionTestCase._fixture_teardown = lambda _: truncate_filled_tables()


def truncate_filled_tables() -> None:
    """Delete the rows of all tables that have some: one query to find them, then a flush of these tables alone."""
    columns = ", ".join(f"EXISTS (SELECT 1 FROM {connection.ops.quote_name(name)})" for name in tables())  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}")
        filled = [name for name, has_rows in zip(tables(), cursor.fetchone(), strict=True) if has_rows]
    if filled:
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), filled))


@cache
def tables() -> list[str]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(names) - KEPT)
