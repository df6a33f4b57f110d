"""Behaviours 24 and 25: counters equal the rows with many concurrent processes and after processes are killed."""

import os
import random
import time

import pytest
from django.conf import settings
from django.db.models import Sum

from caching.api import redis_client
from counters import reads, reconcile, rollup
from counters.models import Delta
from tests.counters import processes
from tests.support.polling import wait_until
from tests.support.threads import in_parallel
from tests.testapp.models import Vote

# 10,000 writes in all; 2,000 on SQLite, which has one writer at a time.
WRITERS, INCREMENTS = 8, 1_250 if settings.SERVICES else 250
KILLS = int(os.environ.get("KILLS", "5"))


def shown(author):
    return reads.counts_of("author", [author.pk])[author.pk]["votes"]


def votes(author):
    return Vote.objects.filter(author=author).count()


def assert_exact(author):
    """Assert that the counter equals the rows, by the database alone and, after a roll-up, as it is read."""
    assert reconcile.run_one("author", author.pk, mend=False).drifts == []
    rollup.roll_up_all()
    assert not Delta.objects.exists()
    assert reconcile.run_one("author", author.pk, mend=False).drifts == []
    assert shown(author) == votes(author)


def all_folded():
    """Fold; return whether no delta is left. The database frees the locks of a killed process with a delay."""
    rollup.roll_up_all()
    return not Delta.objects.exists()


@pytest.fixture
def author(voters):
    return voters[0]


@pytest.mark.services  # SQLite has one writer at a time
def test_increments_by_eight_processes(author):
    folding = [processes.start("fold") for _ in range(2)]
    writers = [processes.start("vote", author.pk, INCREMENTS) for _ in range(WRITERS)]
    try:
        while any(writer.is_alive() for writer in writers):
            assert shown(author) >= 0
            time.sleep(0.01)
        assert [writer.exit_status() for writer in writers] == [0] * WRITERS
    finally:
        for process in (*folding, *writers):
            process.kill()
    assert votes(author) == WRITERS * INCREMENTS * (processes.UNDELETED - 1) / processes.UNDELETED
    wait_until(all_folded)
    redis_client().flushdb()
    assert_exact(author)


@pytest.mark.parametrize("turn", range(2))
def test_fifty_at_once_count_one_pair_once(author, book, turn):
    def like():
        Vote.objects.get_or_create(author_id=author.pk, book_id=book.pk)

    def unlike():
        Vote.objects.filter(author_id=author.pk, book_id=book.pk).delete()

    in_parallel(*[like] * 50)
    assert Delta.objects.filter(kind="book", name="votes").aggregate(sum=Sum("amount"))["sum"] == 1
    assert_exact(author)
    in_parallel(*[unlike] * 50)
    assert Delta.objects.filter(kind="book", name="votes").aggregate(sum=Sum("amount"))["sum"] == -1
    assert_exact(author)


# Where a process dies -> the number of votes after that: 3 (a fold), or 2 and the vote being made and taken back.
WRITER_DIES = {"inserted": 0, "appended": 0, "committing": 0, "committed": 1, "not incremented": 1, "incremented": 1}
FOLD_DIES = ("locked", "held", "added", "deleted", "fold committing", "fold committed", "lifted")


@pytest.mark.parametrize("point", WRITER_DIES)
def test_a_writer_that_is_killed(author, point):
    processes.vote(author.pk, 3)
    before = votes(author)
    assert shown(author) == before
    processes.killed(point, author.pk)
    assert votes(author) == before + WRITER_DIES[point]
    assert_exact(author)


@pytest.mark.parametrize("point", FOLD_DIES)
def test_a_roll_up_that_is_killed(author, point):
    processes.vote(author.pk, 4)
    assert shown(author) == 3
    processes.killed(point, author.pk)
    wait_until(lambda: reconcile.run_one("author", author.pk, mend=False).drifts == [])
    assert shown(author) == 3
    processes.vote(author.pk, 4)
    wait_until(all_folded)
    assert_exact(author)


def test_processes_killed_at_random_moments(author):
    """Set KILLS=200 for a long run."""
    for _ in range(KILLS):
        running = [processes.start("vote", author.pk), processes.start("vote", author.pk), processes.start("fold")]
        before = votes(author)
        try:
            while votes(author) < before + 5:
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.1))
            assert all(process.is_alive() for process in running)
        finally:
            for process in running:
                process.kill()
        assert reconcile.run_one("author", author.pk, mend=False).drifts == []
    wait_until(all_folded)
    assert_exact(author)
