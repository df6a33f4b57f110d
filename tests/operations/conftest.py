"""What the tests of the operator's page start from."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from tests.support.cast import PASSWORD


@pytest.fixture
def log_in(new_user):
    """log_in(*permissions): a browser of a member of the staff with these permissions of the page."""

    def log_in_with(*permissions: str) -> Client:
        user = new_user("olga", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.post("/admin/login/?next=/admin/", {"username": "olga", "password": PASSWORD})
        return client

    return log_in_with


@pytest.fixture
def operator(log_in) -> Client:
    return log_in("view_status", "operate")
