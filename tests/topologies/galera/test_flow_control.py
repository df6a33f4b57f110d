"""Behaviour 80: a node that cannot keep up lets the others wait (flow control): writes are answered in bounded time."""

import time

import pytest

from tests.support.polling import wait_until
from tests.topologies.galera import actions

TIME_LIMIT_S = 3
COMMIT_LIMIT_S = TIME_LIMIT_S + 5
"""After so long the driver gives a COMMIT up (config/databases.py); no attempt is begun after 10 s."""
LONGEST_S = 2 * COMMIT_LIMIT_S + 5


@pytest.fixture
def other_id(first, user_id):
    return first.call(actions.new_user, f"other{user_id}")


@pytest.fixture
def held_up(galera, user_id, other_id):
    """Node 2 applies no write to users, until node 1 may send no more writes to it; call it to end that."""
    import MySQLdb

    slow, writer = galera.nodes[1], galera.nodes[0]
    slow.query("SET GLOBAL wsrep_provider_options = 'gcs.fc_limit=1'")
    connection = MySQLdb.connect(host=slow.address, user="root")
    connection.query("LOCK TABLES hotpath.users_user WRITE")

    def is_held_up():
        if writer.query("SHOW STATUS LIKE 'wsrep_flow_control_active'") == [["wsrep_flow_control_active", "true"]]:
            return True
        writer.query(f"UPDATE hotpath.users_user SET level = level + 1 WHERE id = {user_id}")  # noqa: S608
        return False

    wait_until(is_held_up)
    yield lambda: connection.query("UNLOCK TABLES")
    connection.close()
    slow.query("SET GLOBAL wsrep_provider_options = 'gcs.fc_limit=16'")


@pytest.fixture
def application(start):
    return start(1, DB_TIME_LIMIT_S=str(TIME_LIMIT_S))


def test_a_node_that_lets_the_others_wait(application, first, user_id, other_id, held_up):
    sent = {"PATCH": ("users/me", {"bio": "new"}), "PUT": (f"users/{other_id}/follow", None)}
    for method, (path, body) in sent.items():
        began = time.monotonic()
        status, problem = application.call(actions.request, method, path, body, user_id)
        assert (status, problem["code"]) == (503, "database_unavailable")
        assert time.monotonic() - began < LONGEST_S
        assert application.call(actions.request, "GET", "users/me", None, user_id)[0] == 200  # reads do not wait
    held_up()
    wait_until(lambda: application.call(actions.request, "PATCH", "users/me", {"bio": "newer"}, user_id)[0] == 200)
    for each in (application, first):
        assert each.call(actions.request, "GET", "users/me", None, user_id)[1]["bio"] == "newer"
