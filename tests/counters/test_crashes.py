"""Behaviours 24 and 25: many processes at once, and processes that are killed. Counts equal rows every time."""

import os
import random
import time

import pytest
from django.conf import settings
from django.db.models import Sum

from caching.api import redis_client
from counters import reads, reconcile, rollup
from counters.models import Delta
from tests.caching.own_redis import until
from tests.caching.threads import together
from tests.counters import processes
from tests.shelf.models import Vote

# Ten thousand in all; SQLite, where they can only write one after another, has two thousand.
WRITERS, INCREMENTS = 8, 1_250 if settings.SERVICES else 250
KILLS = int(os.environ.get("KILLS", "5"))


def shown(author):
    return reads.counts_of("author", [author.pk])[author.pk]["votes"]


def votes(author):
    return Vote.objects.filter(author=author).count()


def assert_exact(author):
    """By the database alone, and, once all is folded, as it is shown."""
    assert reconcile.run_one("author", author.pk, mend=False).drifts == []
    rollup.roll_up_all()
    assert not Delta.objects.exists()
    assert reconcile.run_one("author", author.pk, mend=False).drifts == []
    assert shown(author) == votes(author)


def all_folded():
    """The database takes a moment to see that a process is dead, and to free the rows that it had locked."""
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
        assert [writer.status() for writer in writers] == [0] * WRITERS
    finally:
        for process in (*folding, *writers):
            process.kill()
    assert votes(author) == WRITERS * INCREMENTS * (processes.UNDELETED - 1) / processes.UNDELETED
    until(all_folded)
    redis_client().flushdb()
    assert_exact(author)


@pytest.mark.parametrize("turn", range(2))
def test_fifty_at_once_count_one_pair_once(author, book, turn):
    def like():
        Vote.objects.get_or_create(author_id=author.pk, book_id=book.pk)

    def unlike():
        Vote.objects.filter(author_id=author.pk, book_id=book.pk).delete()

    together(*[like] * 50)
    assert Delta.objects.filter(kind="book", name="votes").aggregate(sum=Sum("amount"))["sum"] == 1
    assert_exact(author)
    together(*[unlike] * 50)
    assert Delta.objects.filter(kind="book", name="votes").aggregate(sum=Sum("amount"))["sum"] == -1
    assert_exact(author)


# Where a process dies → the votes that there are then, of 3 (a fold) or of 2 and the one being made and taken back.
WRITER_DIES = {"inserted": 0, "appended": 0, "committing": 0, "committed": 1, "unbumped": 1, "bumped": 1}
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
    until(lambda: reconcile.run_one("author", author.pk, mend=False).drifts == [])
    assert shown(author) == 3
    processes.vote(author.pk, 4)
    until(all_folded)
    assert_exact(author)


def test_processes_killed_at_random_moments(author):
    """KILLS=200 makes the long run of it, beside the suite."""
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
    until(all_folded)
    assert_exact(author)
