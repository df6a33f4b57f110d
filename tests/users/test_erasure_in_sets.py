"""Deletion of an account with many rows: in sets, in short transactions, exact, whoever is killed or writes beside it.

EDGES=1000000 is the long form: `EDGES=1000000 make test-services ARGS="tests/users/test_erasure_in_sets.py -s"`.
"""

import os
import time
from itertools import pairwise

import pytest
from django.db import connection

from counters.api import counts_of
from posts.models import Like
from social import relationships
from social import services as social
from social.models import Follow
from tests.support.budgets import measure
from tests.support.forkserver import run_in_processes, run_until_killed
from tests.users.erasing import die_while_deleting, follow_and_like, measure_export, sweep
from tests.users.famous_user import counters_of, drifts, finish, insert, keys_naming, make_famous, rows_of
from users import erasure
from users.models import Erasure, User

pytestmark = pytest.mark.django_db(transaction=True)
EDGES = int(os.environ.get("EDGES", "2000"))
STAR = 987_654_321
CHUNK = 20
LAST = 15  # the transactions in which 10 × CHUNK rows and the account are deleted


@pytest.fixture
def star(new_user):
    return new_user("star", pk=STAR)


def assert_nothing_is_left(user_id):
    finish()
    assert not User.objects.filter(pk=user_id).exists()
    assert rows_of(user_id) == counters_of(user_id) == 0
    assert not Erasure.objects.exists()
    assert keys_naming(user_id) == []
    assert drifts() == []


@pytest.fixture
def longest(monkeypatch):
    """[seconds of the longest transaction of a deletion]"""
    begin, found = erasure.atomic_write, [0.0]

    class Timed:
        def __init__(self, using):
            self.transaction = begin(using)

        def __enter__(self):
            self.began = time.monotonic()
            self.transaction.__enter__()

        def __exit__(self, *error):
            self.transaction.__exit__(*error)
            found[0] = max(found[0], time.monotonic() - self.began)

    monkeypatch.setattr(erasure, "atomic_write", Timed)
    return found


def test_many_rows(api, star, longest, capsys):
    rows = make_famous(STAR, EDGES // 10)
    (exported,) = run_in_processes((measure_export, STAR))
    times = [time.monotonic()]
    erasure.mark([STAR])
    assert api.get("users/me", by=star).json["code"] == "user_inactive"
    times.append(time.monotonic())
    assert sum(erasure.delete(STAR)) >= rows
    times.append(time.monotonic())
    if "EDGES" in os.environ:
        marked_s, deleted_s = (after - before for before, after in pairwise(times))
        with capsys.disabled():
            print(f"\n{connection.vendor}: {rows} rows; marked in {marked_s:.2f} s, deleted in {deleted_s:.1f} s, "
                  f"the longest transaction {longest[0]:.3f} s; exported {exported[0] / 1e6:.0f} MB in "
                  f"{exported[1]:.1f} s in {exported[2]:.2f} × of the memory")  # fmt: skip
        assert exported[2] <= 1.1
        assert marked_s < 1
        assert deleted_s < 300
        assert longest[0] < 1
    assert_nothing_is_left(STAR)


@pytest.mark.one_redis
def test_a_thousand_edges_are_six_statements(star):
    edges = 3_000
    insert(User, ({"pk": pk, "username": f"other_{pk}"} for pk in range(1, edges + 1)))
    insert(Follow, ({"follower_id": pk, "followee_id": STAR} for pk in range(1, edges + 1)))
    erasure.mark([STAR])
    deleting = erasure.delete(STAR)
    assert next(deleting) == 1_000
    with measure() as cost:
        assert [next(deleting) for _ in range(2)] == [1_000, 1_000]
    # The mark is locked; which edges are next; these are locked; what they count; the deltas; the deletion.
    assert len(cost.sql) == 2 * 6, cost.sql
    assert cost.round_trips == 2 * 2  # hold; lift, with what the cached sets and counters are told
    assert list(deleting) == []
    assert not Follow.objects.exists()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commits", [1, 6, 11, LAST])
def test_killed_and_begun_again(star, commits, when):
    make_famous(STAR, CHUNK)
    erasure.mark([STAR])
    run_until_killed(die_while_deleting, STAR, CHUNK, commits, when)
    assert drifts() == []
    assert User.objects.filter(pk=STAR).exists() is ((commits, when) != (LAST, "after"))
    assert_nothing_is_left(STAR)


def test_several_sweeps_and_writers_beside_them(star, new_user):
    others = [new_user(f"friend_{number}", pk=STAR - 1 - number).pk for number in range(6)]
    make_famous(STAR, 3 * CHUNK)
    for pk in others:
        social.follow(follower_id=pk, followee_id=STAR)
        social.follow(follower_id=STAR, followee_id=pk)
    post_ids = list(Like.objects.filter(user_id=STAR).values_list("post_id", flat=True)[:10])
    for pk in others:
        relationships.relationship_of(pk, STAR)  # their sets are loaded
    erasure.mark([STAR])
    writers = [(follow_and_like, others, post_ids, 30, seed) for seed in range(3)]
    *_, first, second, third = run_in_processes((sweep, CHUNK), (sweep, CHUNK), *writers)
    assert drifts() == []
    for own, other, followed in (*first, *second, *third):
        assert relationships.relationship_of(own, other).following is followed
        assert Follow.objects.filter(follower_id=own, followee_id=other).exists() is followed
    for pk in others:
        found = relationships.relationship_of(pk, STAR)
        assert (found.following, found.followed_by) == (False, False)
    assert_nothing_is_left(STAR)


def test_a_database_that_does_not_tell_the_ids_of_many_deltas(star, monkeypatch):
    """As MySQL, which has no RETURNING: the cached counters are read again."""
    people = range(1, 51)
    insert(User, ({"pk": pk, "username": f"other_{pk}"} for pk in people))
    for pk in people:
        social.follow(follower_id=STAR, followee_id=pk)
    assert {each["followers"] for each in counts_of("user", people).values()} == {1}
    monkeypatch.setattr(type(connection.features), "can_return_rows_from_bulk_insert", False)
    erasure.mark([STAR])
    deleting = erasure.delete(STAR)
    with measure() as cost:
        assert next(deleting) == 50
    assert sum("counters_delta" in sql for sql in cost.sql) == 1
    assert {each["followers"] for each in counts_of("user", people).values()} == {0}
    assert list(deleting) == []
    assert drifts() == []
