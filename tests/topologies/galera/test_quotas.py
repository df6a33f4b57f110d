"""Behaviour 72 on Galera: shards that ask for parts of a total cap on several nodes at once are never granted more."""

import faulthandler
import itertools
import os

import pytest

from tests.support.polling import wait_until
from tests.topologies.galera import actions, grants
from tests.topologies.galera.applications import PAUSED

ROUNDS = int(os.environ.get("ROUNDS", "20"))
TURNS, SHARDS, USERS = 10, 4, 30
CAPS = (1, 2, 5, 11, 20)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def applications(start):
    """A process on each node."""
    found = [start(node, THROTTLES="off") for node in (1, 2, 3)]
    found[0].call(grants.reshard, SHARDS)
    return found


@pytest.mark.parametrize("number", range(TURNS))
def test_two_grants_that_are_committed_at_once(applications, number):
    first, second, third = applications
    popup_id = first.call(grants.new_popup, f"single{number}", 2)
    second.call(grants.load_totals, popup_id)
    assert third.call(grants.grant, popup_id, 2) == "granted"
    # One more is left, and both take it, each by writing the row of its own shard.
    both = [
        each.start(actions.pausing_once, grants.grant, popup_id, shard).wait_until_paused()
        for shard, each in enumerate((first, second))
    ]
    for each in both:
        each.resume()
    outcomes, commits = zip(*(each.result() for each in both), strict=True)
    assert outcomes == ("granted", "granted")
    assert sum(commits) == 3  # one of them anew, by what the others had not shown
    for each in applications:
        assert each.call(grants.granted, popup_id) <= 2
    assert first.call(grants.limits, popup_id) <= 2


def test_quotas_that_are_made_while_a_total_is_loaded(applications):
    first, second, _ = applications
    popup_id = first.call(grants.new_popup, "made", 1)
    first.start(grants.load_totals_slowly, popup_id).wait_until_paused()
    second.call(grants.grant, popup_id, 1)
    before = second.call(grants.revisions, popup_id)
    while first.resume().result() == PAUSED:
        pass
    assert before == first.call(grants.revisions, popup_id)


@pytest.mark.parametrize("loses_totals", [False, True])
def test_caps_are_exact_while_nodes_race(applications, loses_totals):
    faulthandler.cancel_dump_traceback_later()  # each wait has its own limit
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
    shown, turns = 0, itertools.cycle(applications)

    def is_used_up():
        nonlocal shown
        shown += next(turns).call(grants.claim, placement, user_ids)
        return shown >= left

    wait_until(is_used_up)
    return shown
