"""What another program writes by SQL is seen by readers of the cache."""

import pytest

from tests.support.polling import wait_until
from users.models import User

pytestmark = pytest.mark.services


def test_an_updated_row_is_seen(follower, sql, new_user):
    pk = new_user("alice", nickname="Alice").pk
    assert User.objects.get_one(pk).nickname == "Alice"
    sql("UPDATE users_user SET nickname='Alicia' WHERE id=%s", [pk])
    wait_until(lambda: User.objects.get_one(pk).nickname == "Alicia")
