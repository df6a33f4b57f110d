"""The migrations create the tables and remove them."""

import pytest
from django.core.management import call_command
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = {"posts_post", "posts_removal", "posts_deletion", "posts_comment", "posts_like", "posts_favorite"}


def tables():
    return {name for name in connection.introspection.table_names() if name.startswith("posts_")}


def test_migrations_go_back_and_forth():
    assert tables() == TABLES
    try:
        call_command("migrate", "posts", "zero", verbosity=0)
        assert tables() == set()
    finally:
        call_command("migrate", "posts", verbosity=0)
    assert tables() == TABLES
