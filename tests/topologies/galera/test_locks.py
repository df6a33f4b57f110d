"""Behaviour 81: what a lock keeps apart on one node is kept apart on several, where no node sees another's locks."""

import pytest

from tests.topologies.galera import actions

LOST_TO_ANOTHER_NODE = 1213
FANS = 5


@pytest.fixture
def other_id(first, user_id):
    return first.call(actions.new_user, f"other{user_id}")


def test_a_follow_and_a_block_on_two_nodes(first, second, user_id, other_id):
    first.call(actions.unfollow, user_id, other_id)  # from now on there is a row to lock
    first.start(actions.pausing_once, actions.follow, user_id, other_id).wait_until_paused()
    second.call(actions.block, other_id, user_id)
    outcome, commits = first.resume().result()
    assert (outcome, commits) == ("blocked", 1)
    assert second.call(actions.edges_between, user_id, other_id) == (0, 1)
    assert first.call(actions.drift, user_id) == first.call(actions.drift, other_id) == []


def test_two_roll_ups_on_two_nodes(first, second, user_id):
    first.call(actions.roll_up_all)
    for number in range(FANS):
        fan = first.call(actions.new_user, f"fan{number}of{user_id}")
        (first if number % 2 else second).call(actions.follow, fan, user_id)
    first.start(actions.pausing_once, actions.roll_up_or_lose).wait_until_paused()
    assert second.call(actions.roll_up) > 0
    assert first.resume().result()[0] == str(LOST_TO_ANOTHER_NODE)
    for each in (first, second):
        assert each.call(actions.drift, user_id) == []
        assert each.call(actions.rolled_up, user_id) == each.call(actions.shown, user_id) == FANS


def test_two_reconciliations_on_two_nodes(first, second, user_id):
    first.call(actions.mend, user_id)  # from now on there is a row to lock
    first.call(actions.spoil, user_id, 7)
    first.start(actions.pausing_once, actions.mend, user_id).wait_until_paused()
    second.call(actions.mend, user_id)
    first.resume().result()
    assert first.call(actions.drift, user_id) == second.call(actions.drift, user_id) == []
    assert first.call(actions.shown, user_id) == 0


def test_ids_that_are_committed_out_of_order(first, second, user_id):
    """A delta whose id is lower than the newest in a cached block may be missing there, and is never added twice."""
    fans = [first.call(actions.new_user, f"late{number}of{user_id}") for number in range(2)]
    first.start(actions.pausing_once, actions.follow, fans[0], user_id).wait_until_paused()
    for _ in range(2):  # ids on both sides of the one that waits
        second.call(actions.follow, fans[1], user_id)
        assert second.call(actions.shown, user_id) == 1
    first.resume().result()
    assert 1 <= first.call(actions.shown, user_id) <= 2
    first.call(actions.roll_up_all)
    assert first.call(actions.shown, user_id) == second.call(actions.shown, user_id) == 2
    assert first.call(actions.drift, user_id) == []


def test_two_sweeps_on_two_nodes(first, second, user_id, other_id):
    for number in range(FANS):
        first.call(actions.follow, first.call(actions.new_user, f"idol{number}of{user_id}"), user_id)
    first.call(actions.follow, user_id, other_id)
    first.call(actions.mark_as_erased, user_id)
    first.start(actions.pausing_once, actions.erase_slowly, user_id).wait_until_paused()
    second.call(actions.erase_slowly, user_id)
    first.resume().result()
    for each in (first, second):
        assert each.call(actions.rows_of, user_id) == (0, 0)
        assert each.call(actions.drift, other_id) == []


def test_what_is_pending_is_seen_on_every_node(first, second, user_id):
    for turn in range(20):
        first.call(actions.nickname, user_id)
        first.call(actions.record_pending, user_id)
        assert second.call(actions.apply_pending) == 1, turn
        assert first.call(actions.state_of_user, user_id) == ""


def test_two_drains_of_the_same_events_on_two_nodes(first, second, user_id):
    popup_id = first.call(actions.new_popup)
    first.start(actions.pausing_once, actions.write_events, user_id, popup_id, FANS).wait_until_paused()
    second.call(actions.write_events, user_id, popup_id, FANS)
    first.resume().result()
    for each in (first, second):
        assert each.call(actions.written_events, user_id, popup_id) == (FANS, FANS, FANS)
