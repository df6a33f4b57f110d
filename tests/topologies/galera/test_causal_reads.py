"""Behaviour 79: what a reader fills on one node is not older than what was committed on another."""

import pytest

from tests.topologies.galera import actions

CAUSAL_READ_TIMEOUT_S = 2  # deploy/galera/node.cnf
LOCK_WAIT_TIMEOUT = 1205
TURNS = 100


@pytest.fixture
def lagging(galera):
    """Let node 2 apply nothing until the test says so."""
    import MySQLdb

    connection = MySQLdb.connect(host=galera.nodes[1].address, user="root")
    connection.query("FLUSH TABLES WITH READ LOCK")
    yield lambda: connection.query("UNLOCK TABLES")
    connection.close()


def test_a_fill_on_another_node(first, second, user_id):
    for turn in range(TURNS):
        first.call(actions.rename, user_id, f"name {turn}")
        assert second.call(actions.nickname, user_id) == f"name {turn}"
        assert first.call(actions.nickname, user_id) == f"name {turn}"


def test_a_node_that_lags_fills_nothing_and_says_so_in_time(first, second, user_id, lagging):
    first.call(actions.rename, user_id, "new")
    number, seconds = second.call(actions.number_of_failure, actions.nickname, user_id)
    assert number == LOCK_WAIT_TIMEOUT
    assert seconds < CAUSAL_READ_TIMEOUT_S + 1
    status, problem = second.call(actions.request, "GET", f"users/{user_id}", None, user_id)
    assert (status, problem["code"]) == (503, "database_unavailable")
    lagging()
    assert second.call(actions.nickname, user_id) == "new"
    assert first.call(actions.nickname, user_id) == "new"


@pytest.mark.parametrize(("lease_ms", "said"), [(3_000, []), (2_000, ["caching.W100"])])
def test_a_wait_that_is_longer_than_a_lease_is_told(first, lease_ms, said):
    assert first.call(actions.check_with_lease_ms, lease_ms) == said
