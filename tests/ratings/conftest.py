"""The cast of tests/social, and something to rate."""

import pytest

from ratings import services
from tests.social.conftest import alice, api, bob, carol, dora, new_user, password_hash, quiet, sam

__all__ = ["alice", "api", "bob", "carol", "dora", "new_user", "password_hash", "quiet", "sam"]


@pytest.fixture
def item():
    return services.publish(title="Tea house by the lake", description="湖边的茶馆")
