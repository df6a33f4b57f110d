"""What a test has committed is deleted where there is something: Django's flush costs statements for every table."""

from functools import cache

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection

KEPT = {ContentType._meta.db_table, Permission._meta.db_table}  # made by `migrate`, changed by no test


@cache
def tables() -> list[str]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(names) - KEPT)


def delete_rows() -> None:
    columns = ", ".join(f"EXISTS (SELECT 1 FROM {connection.ops.quote_name(name)})" for name in tables())  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}")
        filled = [name for name, there in zip(tables(), cursor.fetchone(), strict=True) if there]
    if filled:
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), filled))
