"""The table of answers to keys can be taken back, and code from before it is not disturbed."""

import pytest
from django.core.management import call_command
from django.db import connection

from api.models import IdempotentRequest

pytestmark = pytest.mark.django_db(transaction=True)


def test_back_and_forth(api, alice):
    assert IdempotentRequest._meta.db_table in connection.introspection.table_names()
    try:
        call_command("migrate", "api", "zero", verbosity=0)
        assert IdempotentRequest._meta.db_table not in connection.introspection.table_names()
        assert api.post("posts", {"text": "Without a key"}, by=alice).status == 201
    finally:
        call_command("migrate", verbosity=0)
    headers = {"idempotency-key": "k"}
    assert api.post("posts", {"text": "With one"}, by=alice, headers=headers).status == 201
    assert IdempotentRequest.objects.count() == 1
