"""Behaviour 12: many readers of one key that is not cached."""

import time

import pytest

from caching.conf import conf
from caching.entries import rows
from caching.entries.rows import rows_of
from caching.protocol import steps
from caching.reading.batch import Batch
from caching.redis.client import redis_client
from caching.testutils import redis_usage
from tests.caching.crash_points import kill_at
from tests.caching.entry_state import state
from tests.caching.statements import statements
from tests.support.interpose import interpose
from tests.support.threads import Task, in_parallel
from tests.testapp.models import Author, Book

CROWD = 100


def test_a_hundred_threads_asking_for_one_cold_key_cause_one_query(ann):
    with statements() as sql:
        names = in_parallel(*[lambda: Author.objects.get_one(ann.pk).name] * CROWD)
    assert names == ["Ann"] * CROWD
    assert sql.about(Author) == 1


def test_a_hundred_threads_looking_for_one_cold_value_cause_two_queries(ann):
    """One query for the pointer, one for its row."""
    with statements() as sql:
        found = in_parallel(*[lambda: Author.objects.get_one(email="ann@example.com").pk] * CROWD)
    assert found == [ann.pk] * CROWD
    assert sql.about(Author) == 2


def test_a_hundred_threads_asking_for_a_row_that_does_not_exist_cause_one_query():
    with statements() as sql:
        missing = in_parallel(*[lambda: Author.objects.get_some([5]).missing] * CROWD)
    assert missing == [[5]] * CROWD
    assert sql.about(Author) == 1


def test_a_crowd_asking_for_overlapping_batches_reads_each_row_once(monkeypatch):
    pks = [author.pk for author in Author.objects.bulk_create(Author(email=f"{n}@x.org") for n in range(40))]
    load, loaded = rows.Rows.load, []
    monkeypatch.setattr(rows.Rows, "load", lambda self, idents: (loaded.extend(idents), load(self, idents))[1])
    windows = [pks[at : at + 20] for at in range(0, 20, 2)] * 3
    found = in_parallel(*(lambda asked=asked: Author.objects.get_some_cols(asked, "id").results for asked in windows))
    assert found == [[{"id": pk} for pk in asked] for asked in windows]
    assert sorted(loaded) == pks[:38]


def test_a_reader_waits_for_the_load_under_way_and_takes_its_value(ann):
    """The wait delays nothing else: the hit and the miss in the same batch cost one query together."""
    book = Book.objects.create_one(title="One", author=ann)
    waiting = []

    def second_reader():
        batch = Batch()
        people, books = batch.rows(Author, [ann.pk]), batch.rows(Book, [book.pk])
        batch.run()
        return people.instance(ann.pk).name, books.instance(book.pk).title

    def start_second():
        waiting.append(Task(second_reader))
        while state(book) != "value":  # the batch has filled the key that no other reader was loading
            assert waiting[0].is_alive()

    with statements() as sql, interpose(steps, "fill", before=start_second):
        assert Author.objects.get_one(ann.pk).name == "Ann"
        assert waiting[0].result() == ("Ann", "One")
    assert (sql.about(Author), sql.about(Book)) == (1, 1)


def test_if_the_loader_is_killed_the_others_do_not_wait_beyond_its_lease(ann, settings):
    settings.CACHING = {**settings.CACHING, "LEASE_MS": 1_000}
    kill_at("leased", ann.pk, LEASE_MS=1_000)
    assert state(ann) == "lease"
    began = time.monotonic()
    assert in_parallel(*[lambda: Author.objects.get_one(ann.pk).name] * 20) == ["Ann"] * 20
    assert time.monotonic() - began < 1.0 + 1.5  # the lease, and the time of twenty threads on a busy machine
    assert Author.objects.get_one(ann.pk).name == "Ann"
    assert state(ann) == "value"


def test_if_the_load_fails_the_next_reader_takes_over_at_once(ann):
    """The next reader need not wait for the end of the lease, as it was released."""

    class Boom(Exception):
        pass

    others = []

    def fail():
        others.append(Task(lambda: Author.objects.get_one(ann.pk).name))
        raise Boom

    began = time.monotonic()
    with interpose(rows.Rows, "load", before=fail), pytest.raises(Boom):
        Author.objects.get_one(ann.pk)
    assert others[0].result() == "Ann"
    assert time.monotonic() - began < conf().lease_ms / 1000
    assert state(ann) == "value"


def test_waiting_backs_off(ann, settings):
    """A reader that waits for a whole lease asks Redis a bounded number of times."""
    settings.CACHING = {**settings.CACHING, "LEASE_MS": 500}
    redis_client().set(rows_of(Author).key(ann.pk), b"L" + b"x" * 16)
    with redis_usage() as usage:
        assert Author.objects.get_one(ann.pk).name == "Ann"
    assert 5 < usage.commands < 40
