"""The migrations that end tokens can be taken back, and code from before them can still insert accounts."""

import pytest
from django.core.management import call_command
from django.db import connection

from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
NEW_TABLES = {"users_login", "users_passwordreset", "users_emailchange", "users_confirmedemail"}
NEW_COLUMNS = {"token_generation", "ended_logins"}


def added():
    with connection.cursor() as cursor:
        columns = {column.name for column in connection.introspection.get_table_description(cursor, "users_user")}
    return NEW_TABLES & set(connection.introspection.table_names()), NEW_COLUMNS & columns


def test_back_and_forth(alice):
    assert added() == (NEW_TABLES, NEW_COLUMNS)
    try:
        call_command("migrate", "users", "0001", verbosity=0)
        assert added() == (set(), set())
    finally:
        call_command("migrate", verbosity=0)
    assert added() == (NEW_TABLES, NEW_COLUMNS)
    assert User.objects.get(pk=alice.pk).token_generation == 0


def test_code_from_before_inserts_accounts(alice):
    columns = [field.column for field in User._meta.concrete_fields if field.column not in {"id", *NEW_COLUMNS}]
    names = ", ".join(columns)
    values = ", ".join("'erik'" if column == "username" else column for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO users_user ({names}) SELECT {values} FROM users_user")  # noqa: S608
    erik = User.objects.get(username="erik")
    assert (erik.token_generation, erik.ended_logins) == (0, "")
