"""Behaviour 155: an edit past the application is seen whichever node it was made on; if the node that is followed dies,
another one's log is followed from where that had come to."""

import signal

import pytest

from tests.support.galera import wait_for
from tests.support.programs import Program
from tests.topologies.galera import actions

DROPPED = "Entries are dropped"


@pytest.fixture
def worker(galera, redis_url, tmp_path):
    """A worker that reaches the database through HAProxy, and follows the log."""
    own = {"DEBUG": "0", "HTTPS": "off", "SECRET_KEY": "tests-only-" + "x" * 50}
    own |= {"DATABASE_URL": galera.url, "REDIS_URL": redis_url}
    (tmp_path / "data").mkdir()
    program = Program(("manage.py", "run_jobs", "follow_binlog"), tmp_path / "data", **own)
    wait_for(lambda: is_following(galera.nodes[2]), program.log.read_text)
    yield program
    program.end(signal.SIGTERM)


def is_following(node):
    """Return whether the follower has heard of the server a moment ago, and knows of no problem."""
    seen = node.query(
        "SELECT problem = '' AND heard_at > UTC_TIMESTAMP - INTERVAL 2 SECOND FROM hotpath.binlog_position"
    )
    return seen == [["1"]]


def edit(node, user_id, name):
    node.query(f"UPDATE hotpath.users_user SET nickname='{name}' WHERE id={user_id}")  # noqa: S608  the test's own


def test_edits_on_any_node(galera, worker, first, second, user_id):
    for turn in range(10):
        for node in galera.nodes:
            name = f"edit {turn} on {node.number}"
            first.call(actions.nickname, user_id)
            edit(node, user_id, name)
            for reader in (second, first):
                wait_for(lambda name=name, reader=reader: reader.call(actions.nickname, user_id) == name)


def test_the_node_that_is_followed_dies(galera, worker, start, user_id):
    reader = start(0)
    writing, *others = galera.nodes
    for name in ("one", "two"):  # of which the other nodes do not know
        writing.query(f"SET SESSION wsrep_on=OFF; CREATE DATABASE {name}; DROP DATABASE {name}")
    wait_for(lambda: reader.call(actions.nickname, user_id) is not None)
    begun = worker.log.read_text()
    writing.kill()
    try:
        edit(others[1], user_id, "while nobody follows")
        wait_for(lambda: is_following(others[0]), worker.log.read_text)
        wait_for(lambda: reader.call(actions.nickname, user_id) == "while nobody follows")
        edit(others[1], user_id, "on another node")
        wait_for(lambda: reader.call(actions.nickname, user_id) == "on another node")
        assert DROPPED not in worker.log.read_text()[len(begun) :]
        in_the_cluster_s_numbers = others[0].query("SELECT gtids REGEXP '(^|,)1-1-' FROM hotpath.binlog_position")
        assert in_the_cluster_s_numbers == [["1"]]
    finally:
        writing.start()
        galera.wait_until_whole()
