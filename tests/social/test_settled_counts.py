"""Counters equal the edges after every kind of write, and after a killed one."""

import threading
from functools import partial

import pytest

from social import services
from social.models import Block, Follow
from tests.social.follow_counts import follow_counts
from tests.social.processes import block_and_die
from tests.support.forkserver import run_until_killed
from tests.support.threads import Task, in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_write_settles_both_counts_once(alice, bob):
    pair = {"follower_id": alice.pk, "followee_id": bob.pk}
    assert follow_counts(alice, bob) == [(0, 0), (0, 0)]
    for _ in range(2):
        services.follow(**pair)
        assert follow_counts(alice, bob) == [(0, 1), (1, 0)]
    for _ in range(2):
        services.unfollow(**pair)
        assert follow_counts(alice, bob) == [(0, 0), (0, 0)]


def test_fifty_at_once_count_once(alice, bob):
    pair = {"follower_id": alice.pk, "followee_id": bob.pk}
    in_parallel(*[partial(services.follow, **pair)] * 50)
    assert follow_counts(alice, bob) == [(0, 1), (1, 0)]
    in_parallel(*[partial(services.unfollow, **pair)] * 50)
    assert follow_counts(alice, bob) == [(0, 0), (0, 0)]


def test_a_block_settles_four_counters(alice, bob, carol, follow):
    follow(alice, bob)
    follow(bob, alice)
    follow(carol, alice)
    services.block(blocker_id=alice.pk, blocked_id=bob.pk)
    assert follow_counts(alice, bob, carol) == [(1, 0), (0, 0), (0, 1)]


@pytest.mark.parametrize("point", ["block inserted", "one follow deleted", "everything written"])
def test_a_block_killed_midway_has_done_nothing(api, alice, bob, follow, point):
    follow(alice, bob)
    follow(bob, alice)
    before = follow_counts(alice, bob)
    assert api.get(f"relationships?ids={bob.pk}", by=alice).json["results"][0]["mutual"]
    run_until_killed(block_and_die, point, alice.pk, bob.pk)
    assert (Follow.objects.count(), Block.objects.count()) == (2, 0)
    assert follow_counts(alice, bob) == before == [(1, 1), (1, 1)]
    assert api.get(f"relationships?ids={bob.pk}", by=alice).json["results"][0]["mutual"]
    assert api.put(f"users/{bob.pk}/block", by=alice).json["blocking"]  # the killed process holds no lock
    assert follow_counts(alice, bob) == [(0, 0), (0, 0)]


def test_deleting_a_user_settles_the_counts_of_the_others(alice, bob, carol, follow):
    follow(alice, bob, carol)
    follow(carol, bob)
    assert follow_counts(alice, bob) == [(0, 1), (1, 1)]
    carol.delete()
    assert follow_counts(alice, bob) == [(0, 0), (0, 0)]
    assert Follow.objects.count() == 0


def test_deleted_by_two_at_once_counts_once(alice, bob, follow):
    follow(alice, bob)
    both_read = threading.Barrier(2)

    def delete():
        edge = Follow.objects.get()
        both_read.wait(10)
        edge.delete()

    for task in [Task(delete), Task(delete)]:
        task.result()
    assert follow_counts(alice, bob) == [(0, 0), (0, 0)]
