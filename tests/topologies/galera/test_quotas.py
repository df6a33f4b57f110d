"""Behaviour 72 on Galera: shards that ask for parts of a total cap on several nodes at once are never granted more."""

import itertools
import os

import pytest

from tests.support.polling import wait_until
from tests.topologies.galera import actions, grants

ROUNDS = int(os.environ.get("ROUNDS", "40"))
SHARDS, USERS = 4, 30
CAPS = (1, 2, 5, 11, 20)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def applications(start):
    """A process on each node."""
    found = [start(node, THROTTLES="off") for node in (1, 2, 3)]
    found[0].call(grants.reshard, SHARDS)
    return found


def test_two_grants_on_two_nodes(applications):
    first, second, _ = applications
    popup_id = first.call(grants.new_popup, "single", 1)
    second.call(grants.load_totals, popup_id)
    first.start(actions.pausing_once, grants.grant, popup_id, 0).wait_until_paused()
    assert second.call(grants.grant, popup_id, 1) == "granted"
    assert first.resume().result() == ("granted", 2)  # anew: what the other shard had not shown
    assert [each.call(grants.granted, popup_id) for each in applications] == [1, 1, 1]
    assert first.call(grants.limits, popup_id) == 1


@pytest.mark.parametrize("loses_totals", [False, True])
def test_caps_are_exact_while_nodes_race(applications, loses_totals):
    first = applications[0]
    begin = f"g{os.getpid()}x{next(_numbers)}x"
    user_ids = first.call(grants.new_users, begin, USERS)
    for number in range(ROUNDS):
        cap, placement = CAPS[number % len(CAPS)], f"{begin}{number}"
        popup_id = first.call(grants.new_popup, placement, cap)
        shown = race(applications, placement, user_ids, popup_id if loses_totals else 0)
        assert shown <= cap, number
        assert shown + claim_the_rest(applications, placement, user_ids, cap - shown) == cap, number
        assert first.call(grants.drained, popup_id) == (cap, cap)
        assert {each.call(grants.granted, popup_id) for each in applications} <= set(range(cap + 1))


def race(applications, placement, user_ids, forget):
    """Have users claim on all nodes at once; return how many were shown the popup."""
    for number, each in enumerate(applications):
        own = user_ids[number :: len(applications)]
        each.start(grants.claim_at_once, placement, own, 0 if number else forget).wait_until_paused()
    for each in applications:
        each.resume()
    return sum(each.result() for each in applications)


def claim_the_rest(applications, placement, user_ids, left):
    """Claim one after the other until the cap is used up; return how many more were shown the popup then."""
    shown = 0

    def is_used_up():
        nonlocal shown
        shown += sum(each.call(grants.claim, placement, user_ids) for each in applications)
        return shown >= left

    wait_until(is_used_up)
    return shown
