"""The cast of tests/users, with carol; edges are made by the services as everybody's are."""

import pytest

from social import services
from tests.users.conftest import alice, api, bob, dora, new_user, password_hash, quiet, sam

__all__ = ["alice", "api", "bob", "dora", "new_user", "password_hash", "quiet", "sam"]


@pytest.fixture
def carol(new_user):
    return new_user("carol", nickname="Carol")


@pytest.fixture
def follow():
    def make(*people):
        """Each follows the last."""
        for person in people[:-1]:
            services.follow(follower_id=person.pk, followee_id=people[-1].pk)

    return make


@pytest.fixture
def block():
    return lambda blocker, blocked: services.block(blocker_id=blocker.pk, blocked_id=blocked.pk)
