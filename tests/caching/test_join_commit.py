"""A batch whose read joins the round trip of a commit's lift: `Batch.join_commit`, then `run`."""

import pytest
from django.db import transaction

from caching.reading.batch import Batch
from caching.testutils import redis_usage
from tests.caching.entry_state import state
from tests.support.threads import in_another_thread
from tests.testapp.models import Author

USING = "default"


@pytest.fixture
def bea_cached(bea):
    Author.objects.get_one(bea.pk)
    return bea


def read_after_renaming(writer, *asked, within=transaction.atomic):
    """Rename `writer` and return the names of the rows that are read in the round trip of the lift."""
    batch = Batch()
    rows = batch.rows(Author, [each.pk for each in asked])
    with within():
        Author.objects.update_one(writer.pk, name="Anna")
        batch.join_commit(USING)
    batch.run()
    return [row.name for row in rows.instances().results]


@pytest.mark.one_redis
def test_hits_take_no_round_trip(ann, bea_cached):
    with redis_usage() as usage:
        assert read_after_renaming(ann, bea_cached) == ["Bea"]
    assert usage.round_trips == 2  # hold, lift


def test_what_was_written_is_read_as_it_is_now(ann, bea_cached):
    Author.objects.get_one(ann.pk)
    assert read_after_renaming(ann, ann, bea_cached) == ["Anna", "Bea"]
    assert state(ann) == "value"  # filled as by any read


@pytest.mark.services  # SQLite has one writer at a time
def test_what_another_transaction_writes_meanwhile_is_seen(ann, bea_cached):
    batch = Batch()
    rows = batch.rows(Author, [bea_cached.pk])
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        batch.join_commit(USING)
        in_another_thread(lambda: Author.objects.update_one(bea_cached.pk, name="Beate"))
    batch.run()
    assert rows.row(bea_cached.pk).name == "Beate"


def test_a_commit_of_which_redis_need_not_be_told(ann, bea_cached):
    batch = Batch()
    rows = batch.rows(Author, [bea_cached.pk])
    with redis_usage() as usage:
        batch.join_commit(USING)  # outside of a transaction nothing is joined
        with transaction.atomic():
            batch.join_commit(USING)
        batch.run()
    assert usage.round_trips == 1
    assert rows.row(bea_cached.pk).name == "Bea"


def test_a_savepoint_that_may_yet_be_rolled_back(ann, bea_cached):
    def inner():
        return transaction.atomic()

    with transaction.atomic():
        assert read_after_renaming(ann, ann, bea_cached, within=inner) == ["Anna", "Bea"]
    assert Author.objects.get_one(ann.pk).name == "Anna"


def test_a_rollback(ann, bea_cached):
    batch = Batch()
    rows = batch.rows(Author, [ann.pk, bea_cached.pk])
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        batch.join_commit(USING)
        transaction.set_rollback(True)
    batch.run()
    assert [row.name for row in rows.instances().results] == ["Ann", "Bea"]


def test_redis_that_goes_before_the_lift(ann, bea_cached, own_redis):
    batch = Batch()
    rows = batch.rows(Author, [ann.pk, bea_cached.pk])
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        batch.join_commit(USING)
        own_redis.kill()
    batch.run()
    assert [row.name for row in rows.instances().results] == ["Anna", "Bea"]
