"""The cast of tests/users, the application served with and without the lane, and what they read."""

from collections.abc import Iterator

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from caching.testutils import reset_cache
from tests.caching.conftest import own_redis
from tests.caching.own_redis import until
from tests.lane.served import Served
from tests.users.conftest import alice, api, bob, dora, new_user, password_hash, quiet, sam

__all__ = ["alice", "api", "bob", "dora", "new_user", "own_redis", "password_hash", "quiet", "sam"]


def login(user) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {AccessToken.for_user(user)}")]


def ready(served: Served, user) -> None:
    """Returns when the lane has its connection to Redis."""
    until(lambda: served.ask("/api/v1/users/me", headers=login(user)).status == 200)
    until(lambda: served.ask(f"/api/v1/users/{user.pk}", headers=login(user)).by_lane)


@pytest.fixture
def lane(transactional_db, alice) -> Iterator[Served]:
    reset_cache()
    served = Served()
    ready(served, alice)
    yield served
    served.end()


@pytest.fixture
def django(transactional_db) -> Iterator[Served]:
    served = Served(lane=False)
    yield served
    served.end()
