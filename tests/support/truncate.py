"""Fast cleaning of the databases after a test that commits."""

from functools import cache
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import TransactionTestCase

# Filled by `migrate`, changed by no test.
KEPT = {ContentType._meta.db_table, Permission._meta.db_table, MigrationRecorder.Migration._meta.db_table}


@pytest.fixture(scope="session", autouse=True)
def fast_teardown() -> None:
    """Replace Django's flush after each test, which runs statements for every table, filled or empty."""
    TransactionTestCase._fixture_teardown = teardown


def teardown(test: TransactionTestCase) -> None:
    """Empty the databases that a test may use."""
    for alias in test._databases_names(include_mirrors=False):
        truncate_filled_tables(connections[alias])


def truncate_filled_tables(connection: Any) -> None:
    """Delete the rows of all tables that have some: one query to find them, then a flush of these tables alone."""
    names = tables(connection.alias)
    columns = ", ".join(f"EXISTS (SELECT 1 FROM {connection.ops.quote_name(name)})" for name in names)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}")
        filled = [name for name, has_rows in zip(names, cursor.fetchone(), strict=True) if has_rows]
    if filled:
        # PostgreSQL truncates no table that others refer to, empty ones as well, unless it truncates these, too.
        flush = connection.ops.sql_flush(no_style(), filled, allow_cascade=connection.vendor == "postgresql")
        connection.ops.execute_sql_flush(flush)


@cache
def tables(alias: str) -> list[str]:
    """Return the tables of a database that tests fill."""
    return sorted(set(connections[alias].introspection.table_names()) - KEPT)
