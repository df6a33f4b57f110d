"""Behaviour 79: a writer at work on one node is not overlooked by readers on another, which has none of its locks."""

import time

import pytest

from tests.topologies.galera import actions

HOLD_MS = 200


@pytest.mark.parametrize("reading_node", [1, 2])
def test_a_writer_that_is_stopped_for_longer_than_a_hold(start, user_id, reading_node):
    reader, writer = start(reading_node), start(1)
    for each in (reader, writer):
        each.call(actions.with_hold_ms, HOLD_MS)
    assert reader.call(actions.nickname, user_id) == ""
    writer.start(actions.pausing_once, actions.rename, user_id, "new").wait_until_paused()
    until = time.monotonic() + 5 * HOLD_MS / 1000
    while time.monotonic() < until:
        assert reader.call(actions.nickname, user_id) == ""
    writer.resume().result()
    assert reader.call(actions.nickname, user_id) == "new"
