"""Behaviours 25, 27 and 34 for ratings: counters equal the rows with many processes and after killed ones.

Set KILLS=200 for a long run.
"""

import contextlib
import os
import random
import time
from collections import Counter
from functools import partial

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, transaction
from django.db.models import Max

from caching.api import redis_client
from counters import reconcile, rollup
from counters.models import Delta
from ratings import services
from ratings.counts import KIND, SCORES, histogram_counter
from ratings.models import Item, Score
from tests.ratings.processes import die_at, fire, leave_before_items_go, rate_each, rate_until_gone, raters, remove
from tests.ratings.totals import assert_exact, assert_settled, drifts, shown, truth
from tests.support.forkserver import run_in_processes, run_until_killed
from tests.support.polling import wait_until
from tests.support.threads import Task
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
PROCESSES, USERS, CHANGES = 8, 1_000, 4 if settings.SERVICES else 1
KILLS = int(os.environ.get("KILLS", "5"))


@pytest.fixture
def crowd():
    """Ids of USERS users, in PROCESSES parts."""
    ids = range(10_000, 10_000 + USERS)
    User.objects.bulk_create([User(pk=pk, username=f"rater{pk}") for pk in ids])
    return [list(ids[part::PROCESSES]) for part in range(PROCESSES)]


def test_a_thousand_users_at_once(item, crowd):
    """Redis is wiped, deltas rolled up and counters reconciled meanwhile: no read is too low."""
    rating = Task(
        partial(run_in_processes, *[(rate_each, ids, item.pk, CHANGES, seed) for seed, ids in enumerate(crowd)])
    )
    rounds = 0
    while rating.is_alive() or not rounds:
        redis_client().flushdb()
        at_least = Score.objects.count()
        counts = shown(item)
        assert at_least <= counts["count"] <= Score.objects.count()
        assert sum(counts[histogram_counter(score)] for score in SCORES) == counts["count"]
        assert sum(score * counts[histogram_counter(score)] for score in SCORES) == counts["sum"]
        with contextlib.suppress(OperationalError):  # a deadlock: the next round folds the same deltas
            assert [chunk.drifts for chunk in reconcile.run(KIND) if chunk.drifts] == []
            rollup.roll_up_chunk()
        rounds += 1
    assert rating.result() == [(1 + CHANGES) * len(ids) for ids in crowd]
    assert Score.objects.count() == USERS
    assert_exact(item)


# SQLite has one writer at a time, so only the richer case runs there.
@pytest.mark.parametrize("withdraws", [pytest.param(False, marks=pytest.mark.services), True])
def test_one_user_firing_fifty_and_more_scores(alice, item, withdraws):
    """There is one row; every answer is a success or "too fast"; the counters equal the row."""
    total: Counter[str] = Counter()
    verbs = ("PUT", "DELETE") if withdraws else ("PUT",)
    for answers in run_in_processes(*[(fire, verbs, alice.pk, item.pk, 10, seed) for seed in range(PROCESSES)]):
        total.update(answers)
    assert total.keys() <= {"PUT 200", "PUT 409", *(["DELETE 200"] if withdraws else [])}, total
    assert total["PUT 200"] > 0
    assert Score.objects.count() <= 1
    assert Score.objects.count() == 1 or withdraws
    assert_exact(item)


@pytest.mark.services  # SQLite has one writer at a time
def test_one_of_those_who_waited_for_somebody_who_was_killed_is_let_through(alice, item):
    """First scores that wait for a transaction which is rolled back run into a deadlock; InnoDB lets one through.

    Views do the others again: see caching.connections.attempts.
    """

    def rate(score):
        with contextlib.suppress(services.TooFast, OperationalError):
            services.rate(user_id=alice.pk, item_id=item.pk, score=score)
            return score

    with transaction.atomic():
        Score(user=alice, item=item, score=10).save(force_insert=True)
        waiting = [Task(partial(rate, score)) for score in range(1, 6)]
        time.sleep(1)
        assert all(task.is_alive() for task in waiting)
        transaction.set_rollback(True)  # as the server does for a lost client
    (done,) = [score for task in waiting if (score := task.result())]
    assert Score.objects.get().score == done
    assert_exact(item)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", ["first", "change", "withdraw"])
def test_a_rating_that_is_killed(api, alice, bob, item, write, when):
    if write != "first":
        services.rate(user_id=alice.pk, item_id=item.pk, score=5)
    services.rate(user_id=bob.pk, item_id=item.pk, score=7)
    for by in (alice, bob):
        api.get(f"ratings/{item.pk}", by=by)
    work = ("withdraw", alice.pk, item.pk) if write == "withdraw" else ("rate", alice.pk, item.pk, 9)
    run_until_killed(die_at, when, 1, *work)
    mine = {"first": 9, "change": 9, "withdraw": None}[write] if when == "after" else None if write == "first" else 5
    assert api.get(f"ratings/{item.pk}", by=alice).json["my_score"] == mine
    assert drifts() == []
    rollup.roll_up_all()
    assert shown(item) == truth(item)
    assert api.put(f"ratings/{item.pk}/score", {"score": 2}, by=alice).status == 200
    assert_exact(item)


def test_raters_killed_at_random_moments(new_user, item):
    ids = [new_user(f"rater_{number}").pk for number in range(8)]
    for _ in range(KILLS):
        before = newest_delta()
        with raters(3, ids, item.pk) as running:
            wait_until(lambda before=before: newest_delta() > before + 20)
            time.sleep(random.uniform(0, 0.1))
            assert all(process.is_alive() for process in running)
        assert drifts() == []
        wait_until(all_folded)
        redis_client().flushdb()
        assert shown(item) == truth(item)
        services.rate(user_id=ids[0], item_id=item.pk, score=3)
        assert shown(item) == truth(item)


def newest_delta():
    """Return the largest key of a delta, which grows with every rating."""
    return Delta.objects.aggregate(newest=Max("pk"))["newest"] or 0


def all_folded():
    """Fold; return whether no delta is left. The database frees the locks of a killed process with a delay."""
    rollup.roll_up_all()
    return not Delta.objects.exists()


def test_items_that_end_while_processes_rate_them(new_user):
    """Every answer is a success, "too fast" or 404; no row is left."""
    ids = [new_user(f"rater_{number}").pk for number in range(6)]
    item_ids = [services.publish(title=f"Item {number}").pk for number in range(20 if settings.SERVICES else 5)]
    rating = [(rate_until_gone, ids, item_ids, seed) for seed in range(4)]
    *rated, _ = run_in_processes(*rating, (remove, item_ids, 0.3))
    for answers in rated:
        assert answers.keys() <= {"200", "404", "409"}, answers
        assert answers["404"] == len(item_ids)
    call_command("sweep_removed", once=True)
    assert not Score.objects.exists()
    assert not Item.objects.exists()
    assert drifts() == []


def test_people_who_leave_while_they_rate(new_user, item):
    ids = [new_user(f"rater_{number}").pk for number in range(8)]
    another = services.publish(title="Another").pk
    rating = [(rate_until_gone, ids, [item.pk, another], seed) for seed in range(4)]
    *rated, _ = run_in_processes(*rating, (leave_before_items_go, ids[:4], [item.pk, another], 0.4))
    for answers in rated:
        assert answers.keys() <= {"200", "401", "404", "409"}, answers
    assert any("401" in answers for answers in rated)
    assert not Score.objects.exists()
    assert User.objects.filter(pk__in=ids).count() == 4
    assert drifts() == []


# Commits of the removal of an item with 12 scores: the mark, three chunks of 5, the item.
MARKED, IN_THE_MIDDLE, LAST_SCORES, GONE = 1, 3, 4, 5


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commits", [MARKED, IN_THE_MIDDLE, LAST_SCORES, GONE])
def test_a_removal_that_is_killed(api, item, fans, commits, when):
    api.get(f"ratings/{item.pk}", by=fans[0])
    run_until_killed(die_at, when, commits, "remove", item.pk)
    assert drifts() == []
    is_marked = (commits, when) != (MARKED, "before")
    assert api.get(f"ratings/{item.pk}", by=fans[0]).status == (404 if is_marked else 200)
    if not is_marked:
        Item.objects.filter(pk=item.pk).update(removed_at="2026-01-01T00:00:00Z")
    call_command("sweep_removed", once=True)
    rollup.roll_up_all()
    assert_settled(item)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commits", [IN_THE_MIDDLE - MARKED, GONE - MARKED])
def test_a_sweep_that_is_killed(item, fans, commits, when):
    Item.objects.filter(pk=item.pk).update(removed_at="2026-01-01T00:00:00Z")
    run_until_killed(die_at, when, commits, "sweep")
    assert drifts() == []
    call_command("sweep_removed", once=True)
    rollup.roll_up_all()
    assert_settled(item)
