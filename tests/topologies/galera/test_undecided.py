"""Behaviour 79: a writer at work on one node is not overlooked by readers on another, which has none of its locks."""

import time

import pytest

from tests.support.galera import wait_for
from tests.topologies.galera import actions

HOLD_MS = 200


@pytest.mark.parametrize("reading_node", [1, 2])
def test_a_writer_that_is_stopped_for_longer_than_a_hold(start, user_id, reading_node):
    reader, writer = start(reading_node), start(1)
    for each in (reader, writer):
        each.call(actions.with_hold_ms, HOLD_MS)
    assert reader.call(actions.nickname, user_id) == ""
    writer.start(actions.pausing_and_dying, actions.rename, user_id, "new").wait_until_paused()
    until = time.monotonic() + 5 * HOLD_MS / 1000
    while time.monotonic() < until:
        assert reader.call(actions.nickname, user_id) == ""
    writer.resume().process.join()  # and has told nobody of its commit
    for _ in range(5):
        assert reader.call(actions.nickname, user_id) == "new"


def test_a_writer_that_is_killed(galera, start, second, user_id):
    """Readers on its node take its hold over; those on another one do so when its node has left the cluster."""
    own, writer = start(1), start(1)
    for each in (own, second, writer):
        each.call(actions.with_hold_ms, HOLD_MS)

    def state(reader):
        assert reader.call(actions.nickname, user_id) == ""
        return reader.call(actions.state_of_user, user_id)

    def die_in_commit(writer):
        writer.start(actions.pausing_once, actions.rename, user_id, "new").wait_until_paused()
        writer.kill()

    die_in_commit(writer)
    wait_for(lambda: state(own) == "V")
    die_in_commit(start(1))
    until = time.monotonic() + 5 * HOLD_MS / 1000
    while time.monotonic() < until:
        assert state(second) == "H"
    galera.nodes[0].kill()
    wait_for(lambda: state(second) == "V")
    galera.nodes[0].start()
    galera.nodes[0].wait_until_synced()
