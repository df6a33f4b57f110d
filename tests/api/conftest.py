from tests.users.conftest import alice, bob, dora, new_user, password_hash, quiet

__all__ = ["alice", "api", "bob", "dora", "new_user", "password_hash", "quiet"]

from tests.api.client import api
