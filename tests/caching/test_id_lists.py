"""Id lists (the newest ids of an owner) equal the database after every kind of write."""

import pytest
from django.db import transaction

from caching.protocol import steps
from caching.reading.batch import Batch
from caching.redis.client import redis_client
from caching.testutils import redis_usage
from tests.support.interpose import interpose
from tests.support.threads import in_another_thread
from tests.testapp.models import Author, Note, open_notes

READER, OTHER = 7, 8


def listed(reader=READER):
    batch = Batch()
    notes = batch.add(open_notes.of(reader))
    batch.run()
    return notes.result


def truth(reader=READER):
    rows = Note.objects.filter(reader=reader, is_open=True).order_by("-pk")
    return list(rows.values_list("pk", flat=True)[: open_notes.newest])


@pytest.fixture
def notes():
    return [Note.objects.create(reader=READER, text=f"n{number}") for number in range(5)]


def test_the_newest_in_order_and_no_more(notes):
    assert listed() == [notes[4].pk, notes[3].pk, notes[2].pk] == truth()
    assert listed(OTHER) == []


@pytest.mark.one_redis
def test_a_warm_list_shares_the_round_trip_of_rows(notes, ann, django_assert_num_queries):
    for _ in range(2):
        batch = Batch()
        mine, nobodys, people = (
            batch.add(open_notes.of(READER)),
            batch.add(open_notes.of(OTHER)),
            batch.rows(Author, [ann.pk]),
        )
        with redis_usage() as usage:
            batch.run()
    assert (usage.round_trips, usage.commands) == (1, 1)
    with django_assert_num_queries(0):
        batch.run()
    assert (mine.result, nobodys.result, people.instance(ann.pk).name) == (truth(), [], "Ann")


WRITES = {
    "create": lambda notes: Note.objects.create(reader=READER),
    "create_one": lambda notes: Note.objects.create_one(reader=READER),
    "create for another": lambda notes: Note.objects.create(reader=OTHER),
    "create for nobody": lambda notes: Note.objects.create(),
    "bulk_create": lambda notes: Note.objects.bulk_create([Note(reader=READER), Note(reader=OTHER)]),
    "save": lambda notes: Note(pk=notes[4].pk, reader=READER, is_open=False).save(),
    "save some fields": lambda notes: Note(pk=notes[4].pk, is_open=False).save(update_fields=["is_open"]),
    "save to another": lambda notes: Note(pk=notes[4].pk, reader=OTHER).save(),
    "update_one": lambda notes: Note.objects.update_one(notes[3].pk, is_open=False),
    "update": lambda notes: Note.objects.filter(pk__lte=notes[3].pk).update(is_open=False),
    "update to another": lambda notes: Note.objects.filter(reader=READER).update(reader=OTHER),
    "update to nobody": lambda notes: Note.objects.filter(reader=READER).update(reader=None),
    "bulk_update": lambda notes: Note.objects.bulk_update([Note(pk=notes[4].pk, is_open=False)], ["is_open"]),
    "delete": lambda notes: Note.objects.get(pk=notes[4].pk).delete(),
    "queryset delete": lambda notes: Note.objects.filter(reader=READER).delete(),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_shows_at_once(notes, write):
    before = listed(), listed(OTHER)
    with transaction.atomic():
        WRITES[write](notes)
        assert (listed(), listed(OTHER)) == (truth(), truth(OTHER))
        assert in_another_thread(lambda: (listed(), listed(OTHER))) == before
    assert (listed(), listed(OTHER)) == (truth(), truth(OTHER))


@pytest.mark.parametrize("write", WRITES)
def test_a_reader_that_loaded_before_a_write_and_fills_after_it_does_not_fill(notes, write):
    with interpose(type(open_notes), "load", after=lambda: in_another_thread(lambda: WRITES[write](notes))):
        listed()
    assert listed() == truth()


@pytest.mark.parametrize("write", WRITES)
def test_nor_does_a_reader_of_the_list_that_a_row_is_moved_to(notes, write):
    with interpose(type(open_notes), "load", after=lambda: in_another_thread(lambda: WRITES[write](notes))):
        listed(OTHER)
    assert listed(OTHER) == truth(OTHER)


def test_a_change_that_rolls_back_leaves_it_right(notes):
    listed()
    with transaction.atomic():
        Note.objects.create(reader=READER)
        transaction.set_rollback(True)
    assert listed() == truth()


@pytest.mark.one_redis
@pytest.mark.parametrize("damaged", [b"V", b"Vxxxxxxxx\x90", b"N", b"nonsense"])
def test_an_entry_that_cannot_be_read_is_replaced(notes, damaged):
    listed()
    redis_client().set(open_notes.key(READER), damaged)
    assert listed() == truth()
    assert redis_client().get(open_notes.key(READER))[0] == steps.VALUE
