"""Cached(negative_ttl_s=0): "no such row" is not remembered, so an insert need not hold the key that it is given."""

from dataclasses import replace

import pytest

from caching.api import redis_client
from caching.entries.rows import Rows, rows_of
from caching.testutils import redis_usage
from tests.support.interpose import interpose
from tests.support.threads import in_another_thread
from tests.testapp.models import Author, Note

READER = 7


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.setattr(Note, "cached", replace(Note.cached, negative_ttl_s=0))
    monkeypatch.setattr(Author, "cached", replace(Author.cached, negative_ttl_s=0))


def test_the_database_is_asked_each_time(django_assert_num_queries):
    for _ in range(2):
        with django_assert_num_queries(1):
            assert Note.objects.get_some([10**9]).missing == [10**9]
        with pytest.raises(Author.DoesNotExist):
            Author.objects.get_one(email="nobody@example.com")
    assert redis_client().get(rows_of(Note).key(10**9)) is None


@pytest.mark.one_redis
def test_an_insert_holds_its_lists_alone():
    Note.objects.create(reader=READER)  # whatever is begun once
    with redis_usage() as usage:
        note = Note.objects.create(reader=READER)
    assert usage.round_trips == 2
    assert Note.objects.get_some([note.pk]).results == [note]


def test_a_reader_who_looked_before_an_insert_remembers_nothing():
    made = []
    last = Note.objects.create(reader=READER).pk
    with interpose(
        Rows, "load", after=lambda: made.append(in_another_thread(lambda: Note.objects.create(reader=READER).pk))
    ):
        assert Note.objects.get_some([last + 1]).missing == [last + 1]
    assert made == [last + 1]
    assert Note.objects.get_some(made).missing == []


def test_a_key_that_is_chosen_is_held():
    assert Note.objects.get_some([10**6]).missing == [10**6]
    note = Note.objects.create(pk=10**6, reader=READER)
    assert Note.objects.get_some([note.pk]).results == [note]
    note.delete()
    assert Note.objects.get_some([note.pk]).missing == [note.pk]
    Author.objects.create_one(email="nobody@example.com", name="N")
    assert Author.objects.get_one(email="nobody@example.com").name == "N"
