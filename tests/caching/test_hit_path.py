"""The hit path returns what the full read returns, or None if not everything is a hit."""

import random

import pytest

from caching.entries.rows import existence_of
from caching.reading.batch import Batch
from caching.redis.breaker import breaker
from caching.redis.client import round_trip
from caching.redis.epochs import NO_ID, Run, epochs, mark_of
from caching.redis.script import Script
from tests.caching.entry_state import expire, state
from tests.testapp.models import Author, Bookmark, Review, bookmarks, loans, open_notes, stars_given

UNKNOWN = 10**9
READER = 7
ECHO = Script("return ARGV[1]")


def read_by_hit_path(batch):
    return batch.resolve(round_trip(batch.commands()))


@pytest.fixture
def people(ann, bea):
    Bookmark.objects.bulk_create(Bookmark(reader=READER, book=book) for book in range(1, 9, 2))
    Review.objects.create(reader=READER, book=3, stars=4)
    Review.objects.create(reader=READER, book=4, stars=None)
    return [ann.pk, bea.pk, UNKNOWN]


def everything(people):
    """Return a batch and its results: entries of all kinds, overlapping, in random order, some without ids."""
    batch, books = Batch(), [1, 2, 3, 4]
    asked = [
        lambda: batch.rows(Author, people),
        lambda: batch.rows(Author, people[:1]),
        lambda: batch.rows(Author, list(people[:1])),
        lambda: batch.rows(Author, []),
        lambda: batch.add(existence_of(Author).among(people)),
        lambda: batch.add(existence_of(Author).among(people[1:])),
        lambda: batch.add(existence_of(Author).among([])),
        lambda: batch.add(bookmarks.among(READER, books)),
        lambda: batch.add(bookmarks.among(READER, [4, 5])),
        lambda: batch.add(loans.among(READER, books)),
        lambda: batch.add(loans.among(READER, [])),
        lambda: batch.add(open_notes.of(READER)),
        lambda: batch.add(stars_given.of(READER, books)),
        lambda: batch.script(ECHO, ["echo"], ["said"]),
    ]
    places = list(range(len(asked)))
    random.shuffle(places)
    made = {place: asked[place]() for place in places}
    return batch, [made[place] for place in range(len(asked))]


def results(asked):
    return [each.structs("id", "name", "email") if hasattr(each, "structs") else each.result for each in asked]


def test_it_says_what_the_reading_says(people):
    for _ in range(20):
        batch, asked = everything(people)
        batch.run()
        expected = results(asked)
        batch, asked = everything(people)
        assert read_by_hit_path(batch)
        assert results(asked) == expected
    assert expected[4] == (people[:2], [UNKNOWN])
    assert expected[7] == {1: True, 2: False, 3: True, 4: False}
    assert expected[12] == {1: None, 2: None, 3: 4, 4: None}
    assert expected[13] == b"said"


@pytest.mark.one_redis
def test_whatever_is_missing_is_no_hit_but_the_script_has_its_reply(people):
    batch, _ = everything(people)
    batch.run()
    commands = [command for command in everything(people)[0].commands() if command[0] == "MGET"]
    keys = {*commands[0][1:], bookmarks.state_key(READER), loans.state_key(READER)}
    assert len(keys) >= 8
    for key in keys:
        batch, _ = everything(people)
        batch.run()
        round_trip([("DEL", key)])
        batch, asked = everything(people)
        assert not read_by_hit_path(batch), key
        assert asked[-1].result == b"said"
        batch.run()  # the hit path has changed nothing in the batch
        assert results(asked)[4] == (people[:2], [UNKNOWN])


def test_presence_is_as_fresh_as_the_rows(ann, bea):
    pks = [ann.pk, bea.pk]

    def there():
        batch = Batch()
        present = batch.add(existence_of(Author).among(pks))
        batch.run()
        return present.result

    assert there() == (pks, [])
    assert state(ann) == "value"  # filled with the whole row
    assert Author.objects.get_one(ann.pk).name == "Ann"
    expire(ann)
    ann.delete()
    assert there() == (pks[1:], pks[:1])


@pytest.mark.one_redis
def test_what_is_asked_twice_is_sent_once(ann):
    batch = Batch()
    first, second = batch.rows(Author, [ann.pk]), batch.rows(Author, [ann.pk])
    assert first is second
    assert batch.commands() == [("MGET", *first.identities)]
    batch.run()
    assert first.only_row().name == "Ann"


def test_a_row_that_has_been_read_is_new_after_another_run(ann):
    batch = Batch()
    rows = batch.rows(Author, [ann.pk])
    batch.run()
    before = rows.row(ann.pk).name
    ann.name = f"{before} II"
    ann.save()
    batch.run()
    assert rows.row(ann.pk).name == f"{before} II"
    assert read_by_hit_path(batch)
    assert rows.row(ann.pk).name == f"{before} II"


@pytest.mark.parametrize("number", [1, 2])
def test_an_entry_of_another_run_of_redis_is_no_hit(people, monkeypatch, number):
    def rows_in(run):
        """Return a batch that asks for rows, in a process that believes one run of each server."""
        marks = dict.fromkeys([None, *breaker.servers()], mark_of(Run(run * 40, NO_ID, 0)))
        monkeypatch.setattr(epochs, "_marks", marks)
        monkeypatch.setattr(epochs, "is_marking", True)
        batch = Batch()
        return batch, batch.rows(Author, people[:number])

    batch, expected = rows_in("a")
    batch.run()
    batch, rows = rows_in("a")
    assert read_by_hit_path(batch)
    assert rows.structs("id", "name") == expected.structs("id", "name")
    batch, _ = rows_in("b")
    assert not read_by_hit_path(batch)
