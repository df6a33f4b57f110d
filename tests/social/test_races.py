"""Concurrent writes to one pair of users and to one followee, by threads and processes that start together."""

import threading
from functools import partial

import msgspec
import pytest
from django.db import connection, transaction

from counters import reconcile
from social import locks, relationships, services
from social.models import Block, Follow
from social.seeding import BLOCK, FOLLOW
from tests.social.follow_counts import follow_counts
from tests.social.follows_despite_blocks import follows_despite_blocks
from tests.social.processes import follow_all, scramble
from tests.support.forkserver import run_in_processes
from tests.support.threads import Task, in_parallel

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


def test_fifty_follows_of_one_pair_are_one_edge(alice, bob):
    pair = {"follower_id": alice.pk, "followee_id": bob.pk}
    assert sum(in_parallel(*[partial(services.follow, **pair)] * 50)) == 1
    assert Follow.objects.filter(**pair).count() == 1
    assert sum(in_parallel(*[partial(services.unfollow, **pair)] * 50)) == 1
    assert not Follow.objects.exists()


def test_follows_of_one_pair_by_processes_are_one_edge(alice, bob):
    assert sum(run_in_processes(*[(follow_all, [alice.pk] * 13, bob.pk)] * 4)) == 1
    assert Follow.objects.count() == 1
    assert follow_counts(alice, bob) == [(0, 1), (1, 0)]


def test_two_block_each_other_while_they_follow(alice, bob):
    for _ in range(10):
        in_parallel(
            partial(follow_if_allowed, alice, bob),
            partial(follow_if_allowed, bob, alice),
            partial(services.block, blocker_id=alice.pk, blocked_id=bob.pk),
            partial(services.block, blocker_id=bob.pk, blocked_id=alice.pk),
        )
        assert (Block.objects.count(), Follow.objects.count()) == (2, 0)
        for one, other in ((alice, bob), (bob, alice)):
            assert msgspec.structs.astuple(relationships.relationship_of(one.pk, other.pk))[1:] == (
                False,
                False,
                False,
                True,
                True,
            )
        for one, other in ((alice, bob), (bob, alice)):
            services.unblock(blocker_id=one.pk, blocked_id=other.pk)


def follow_if_allowed(one, other) -> bool:
    try:
        return services.follow(follower_id=one.pk, followee_id=other.pk)
    except services.Blocked:
        return False


def test_nobody_ever_sees_a_follow_beside_a_block(new_user):
    """Processes write random edges among five users while this process reads the database and the id sets."""
    ids = [new_user(f"crowd_{number}").pk for number in range(5)]
    over = threading.Event()

    def look() -> int:
        looked = 0
        while not over.is_set():
            assert follows_despite_blocks() == 0
            for viewer in ids:
                for seen in [relationships.relationship_of(viewer, other) for other in ids if other != viewer]:
                    assert not ((seen.following or seen.followed_by) and (seen.blocking or seen.blocked_by))
            looked += 1
        return looked

    looking = Task(look)
    changed = run_in_processes(*[(scramble, ids, 150, seed) for seed in range(4)])
    over.set()
    assert looking.result() > 0
    for verb in ("follow", "unfollow", "block", "unblock"):
        assert sum(each[verb] for each in changed) > 0
    assert follows_despite_blocks() == 0
    # Inserted rows less deleted rows (also by blocks) are the rows in the table.
    assert sum(each["block"] - each["unblock"] for each in changed) == Block.objects.count()
    assert sum(each["follow"] - each["unfollow"] for each in changed) >= Follow.objects.count()
    follows, blocks = (set(model.objects.values_list(*names)) for model, names in ((Follow, FOLLOW), (Block, BLOCK)))
    for viewer in ids:
        for other in ids:
            seen, pair, back = relationships.relationship_of(viewer, other), (viewer, other), (other, viewer)
            assert (seen.following, seen.followed_by) == (pair in follows, back in follows)
            assert (seen.blocking, seen.blocked_by) == (pair in blocks, back in blocks)
    assert [drift for chunk in reconcile.run("user", mend=False) for drift in chunk.drifts] == []


@pytest.mark.services  # SQLite has one writer at a time, which excludes the race
def test_the_scrambling_test_can_fail(alice, bob, monkeypatch):
    """Without the pair's lock, neither a follow nor a block sees the other before its commit."""
    monkeypatch.setattr(services, "lock_pair", lambda *_: None)
    followed, blocked = threading.Event(), threading.Event()
    insert = services.insert_where

    def insert_and_wait(*row):
        is_new = insert(*row)
        followed.set()
        blocked.wait(10)
        return is_new

    monkeypatch.setattr(services, "insert_where", insert_and_wait)
    following = Task(partial(services.follow, follower_id=alice.pk, followee_id=bob.pk))
    followed.wait(10)
    services.block(blocker_id=bob.pk, blocked_id=alice.pk)
    blocked.set()
    following.result()
    assert follows_despite_blocks() == 1


@pytest.mark.services
def test_followers_of_one_celebrity_do_not_wait_for_each_other(new_user):
    celebrity = new_user("celebrity")
    people = [new_user(f"crowd_{number:03}").pk for number in range(400)]
    over = threading.Event()
    watching = Task(partial(tables_waited_for, over))
    assert run_in_processes(*[(follow_all, people[part::8], celebrity.pk) for part in range(8)]) == [50] * 8
    over.set()
    assert Follow.objects.filter(followee=celebrity).count() == 400
    assert "users_user" not in " ".join(watching.result())


def tables_waited_for(over: threading.Event) -> set[str]:
    """Return the tables for whose rows a transaction waited, as reported by InnoDB until the event `over`."""
    found = set()
    while not over.is_set():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT locks.lock_table FROM information_schema.innodb_lock_waits AS waits "
                "JOIN information_schema.innodb_locks AS locks ON locks.lock_id = waits.requested_lock_id"
            )
            found.update(table for (table,) in cursor.fetchall())
    return found


@pytest.mark.services
def test_a_follow_goes_through_while_another_of_the_same_celebrity_is_open(alice, bob, carol):
    """The first transaction stays open: a lock on the followee's row would block the second until its time limit."""
    assert locks.stripe_of(alice.pk, carol.pk) != locks.stripe_of(bob.pk, carol.pk)
    with transaction.atomic():
        services.follow(follower_id=alice.pk, followee_id=carol.pk)
        assert Task(partial(services.follow, follower_id=bob.pk, followee_id=carol.pk)).result() is True


def test_a_lock_needs_a_transaction(alice, bob):
    with pytest.raises(transaction.TransactionManagementError, match="inside atomic"):
        locks.lock_pair(alice.pk, bob.pk)
    assert locks.stripe_of(1, 2) == locks.stripe_of(2, 1) < locks.STRIPES
