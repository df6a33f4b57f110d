"""The cast of tests/social, and their words."""

import pytest

from posts import services
from tests.social.conftest import alice, api, block, bob, carol, dora, follow, new_user, password_hash, quiet, sam

__all__ = [
    "alice", "api", "block", "bob", "carol", "dora", "follow", "new_user", "password_hash", "quiet", "sam",
]  # fmt: skip


@pytest.fixture
def write():
    return lambda author, text="Hello", **more: services.publish(author_id=author.pk, text=text, **more)


@pytest.fixture
def post(alice, write):
    return write(alice)
