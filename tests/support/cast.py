"""The users that tests name: alice (the owner), bob (another user), carol (a third), dora (deactivated), sam (staff).

`root` is a browser in which a superuser is logged in to the admin.
"""

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from social import services
from tests.support.empty_redis import empty_redis
from users.models import User

PASSWORD = "correct-horse-battery"


@pytest.fixture
def empty_cache_without_throttles(settings: Any) -> None:
    """What the cast's tests start from; each folder that has the cast uses it for all of its tests."""
    settings.THROTTLES = {}
    empty_redis()


@pytest.fixture(scope="session")
def password_hash() -> str:
    return make_password(PASSWORD)


@pytest.fixture
def new_user(password_hash):
    """new_user(username, **columns): create a user whose password is PASSWORD."""
    return lambda username, **columns: User.objects.create_one(username=username, password=password_hash, **columns)


@pytest.fixture
def alice(new_user):
    return new_user("alice", nickname="Alice 小明", email="alice@example.com")


@pytest.fixture
def bob(new_user):
    return new_user("bob", nickname="Bob")


@pytest.fixture
def carol(new_user):
    return new_user("carol", nickname="Carol")


@pytest.fixture
def dora(new_user):
    return new_user("dora", is_active=False)


@pytest.fixture
def sam(new_user):
    return new_user("sam", is_staff=True)


@pytest.fixture
def root(new_user) -> Client:
    new_user("root", is_staff=True, is_superuser=True)
    client = Client()
    page = client.post("/admin/login/?next=/admin/", {"username": "root", "password": PASSWORD}, follow=True)
    assert b"Log out" in page.content
    return client


@pytest.fixture
def follow():
    """follow(*users): each of the users but the last follows the last."""

    def follow_last(*users):
        for user in users[:-1]:
            services.follow(follower_id=user.pk, followee_id=users[-1].pk)

    return follow_last


@pytest.fixture
def block():
    """block(blocker, blocked)"""
    return lambda blocker, blocked: services.block(blocker_id=blocker.pk, blocked_id=blocked.pk)
