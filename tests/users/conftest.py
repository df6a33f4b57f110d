"""The cast: alice the owner, bob the other user, dora who is deactivated, sam the staff."""

import pytest
from django.contrib.auth.hashers import make_password

from caching.testutils import reset_cache
from tests.api.client import api
from users.models import User

__all__ = ["api"]
PASSWORD = "correct-horse-battery"


@pytest.fixture(autouse=True)
def quiet(settings) -> None:
    settings.THROTTLES = {}
    reset_cache()


@pytest.fixture(scope="session")
def password_hash() -> str:
    return make_password(PASSWORD)


@pytest.fixture
def new_user(password_hash):
    return lambda username, **columns: User.objects.create_one(username=username, password=password_hash, **columns)


@pytest.fixture
def alice(new_user):
    return new_user("alice", nickname="Alice 小明", email="alice@example.com")


@pytest.fixture
def bob(new_user):
    return new_user("bob", nickname="Bob")


@pytest.fixture
def dora(new_user):
    return new_user("dora", is_active=False)


@pytest.fixture
def sam(new_user):
    return new_user("sam", is_staff=True)
