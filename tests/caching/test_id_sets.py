"""Id sets equal the database after additions, removals, evictions and races."""

import contextlib
import random
import time

import pytest
from django.db import IntegrityError, NotSupportedError, connection, transaction

from caching.conf import Conf
from caching.protocol import steps
from caching.reading.batch import Batch
from caching.redis.client import redis_client
from caching.testutils import redis_usage
from tests.support.id_set_members import members_among
from tests.support.threads import in_parallel
from tests.testapp.models import Bookmark, bookmarks, loans

READER = 7


def insert(count, first=1, reader=READER):
    rows = [(reader, first + number) for number in range(count)]
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO testapp_bookmark (reader, book) VALUES (%s, %s)", rows)


def truth(ids, reader=READER):
    having = set(Bookmark.objects.filter(reader=reader, book__in=ids).values_list("book", flat=True))
    return {each: each in having for each in ids}


def assert_right(ids, reader=READER):
    assert members_among(bookmarks, reader, ids) == truth(ids, reader)


def keys():
    state = bookmarks.state_key(READER)
    return state, f"{state}:m"


@pytest.mark.parametrize("count", [0, 1, 4_999, 5_000, 5_001, 20_000])
def test_a_check_of_100_equals_the_database_before_and_after_any_changes(count):
    insert(count)
    chance = random.Random(count)
    for _ in range(8):
        ids = chance.sample(range(1, count + 200), 100)
        assert_right(ids)
        assert_right(ids)
        for book in chance.sample(range(1, count + 200), 5):
            found = Bookmark.objects.filter(reader=READER, book=book).first()
            found.delete() if found else Bookmark.objects.create(reader=READER, book=book)
        assert_right(ids)


def test_somebody_with_none_costs_no_sql_and_the_first_add_shows_at_once(django_assert_num_queries):
    assert_right([1, 2, 3])
    with django_assert_num_queries(0), redis_usage() as usage:
        assert members_among(bookmarks, READER, [1, 2, 3]) == {1: False, 2: False, 3: False}
    assert (usage.round_trips, usage.commands) == (1, 1)
    Bookmark.objects.create(reader=READER, book=2)
    with django_assert_num_queries(0):
        assert members_among(bookmarks, READER, [1, 2, 3]) == {1: False, 2: True, 3: False}


@pytest.mark.parametrize("asked", [1, 100])
def test_any_number_of_ids_and_sets_is_one_round_trip(asked, django_assert_num_queries):
    insert(50)
    ids = range(1, asked + 1)
    members_among(bookmarks, READER, ids), members_among(loans, READER, ids)
    with django_assert_num_queries(0), redis_usage() as usage:
        batch = Batch()
        mine, others = batch.add(bookmarks.among(READER, ids)), batch.add(loans.among(READER, ids))
        batch.run()
    assert (usage.round_trips, usage.commands) == (1, 1)
    assert mine.result == truth(list(ids))
    assert others.result == dict.fromkeys(ids, False)


def test_below_the_floor_all_ids_of_a_batch_share_one_query(django_assert_num_queries):
    insert(5_100)
    assert_right([1])
    with django_assert_num_queries(1):
        batch = Batch()
        some, more = batch.add(bookmarks.among(READER, [1, 5_050])), batch.add(bookmarks.among(READER, [2, 3, 9_999]))
        batch.run()
    assert (some.result, more.result) == ({1: True, 5_050: True}, {2: True, 3: True, 9_999: False})


@pytest.mark.parametrize("evicted", [0, 1])
def test_either_key_may_be_evicted_alone(evicted):
    insert(20)
    assert_right([1, 25])
    redis_client().delete(keys()[evicted])
    assert_right([1, 25])
    Bookmark.objects.create(reader=READER, book=25)
    redis_client().delete(keys()[evicted])
    assert_right([1, 25])


def test_a_set_evicted_under_a_hold_is_not_restored_as_empty():
    insert(20)
    assert_right([1, 25])
    with transaction.atomic():
        Bookmark.objects.create(reader=READER, book=25)
        redis_client().delete(keys()[1])
    assert_right([1, 25])


def test_a_set_is_not_kept_by_who_joined_one_that_was_killed(monkeypatch):
    """The first writer has committed and never lifts; its claim ends during the second writer's transaction."""
    insert(20)
    assert_right([1, 25])
    with monkeypatch.context() as short:
        short.setattr("caching.protocol.steps.conf", lambda: Conf(hold_ms=500))
        steps.hold([], steps.new_token(), kept=[keys()[0]])
    insert(1, first=25)
    with transaction.atomic():
        Bookmark.objects.create(reader=READER, book=26)
        time.sleep(0.6)
    assert_right([1, 25, 26])


def add_and_roll_back(book):
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        Bookmark.objects.create(reader=READER, book=book)
        assert members_among(bookmarks, READER, [book]) == {book: True}, "the writer itself sees it"
        raise ZeroDivisionError


def test_uncommitted_and_rolled_back_edges_are_nobodys():
    insert(3)
    assert_right([3, 4, 5])
    add_and_roll_back(4)
    assert_right([3, 4, 5])
    with transaction.atomic():
        add_and_roll_back(4)
        Bookmark.objects.create(reader=READER, book=5)
    assert_right([3, 4, 5])


def test_a_write_keeps_the_loaded_set(django_assert_num_queries):
    insert(3)
    assert_right([1])
    Bookmark.objects.get(reader=READER, book=2).delete()
    Bookmark.objects.create(reader=READER, book=9)
    with django_assert_num_queries(0):
        assert members_among(bookmarks, READER, [1, 2, 9]) == {1: True, 2: False, 9: True}


def test_an_edge_that_moves_leaves_the_one_set_and_joins_the_other():
    insert(1)
    assert_right([1], READER)
    assert_right([1], 8)
    edge = Bookmark.objects.get(reader=READER, book=1)
    edge.reader = 8
    edge.save()
    assert_right([1], READER)
    assert_right([1], 8)


def test_deleting_many_and_refusing_what_sends_no_signals():
    insert(10)
    assert_right(list(range(1, 12)))
    Bookmark.objects.filter(book__gt=4).delete()
    assert_right(list(range(1, 12)))
    for refused in (
        lambda: Bookmark.objects.update(book=1),
        lambda: Bookmark.objects.bulk_create([], ignore_conflicts=True),
        lambda: Bookmark.objects.bulk_update([], ["book"]),
    ):
        with pytest.raises(NotSupportedError):
            refused()


@pytest.mark.one_redis
def test_inserting_many_at_once_changes_each_loaded_set(django_assert_num_queries):
    insert(10)
    insert(10, reader=8)
    assert_right([1, 11, 12], READER)
    assert_right([1, 11, 12], 8)
    with redis_usage() as usage:
        Bookmark.objects.bulk_create(Bookmark(reader=reader, book=book) for reader in (READER, 8) for book in (11, 12))
    assert usage.round_trips <= 2
    with django_assert_num_queries(0):
        for reader in (READER, 8):
            assert members_among(bookmarks, reader, [1, 11, 12, 13]) == {1: True, 11: True, 12: True, 13: False}
    with pytest.raises(IntegrityError):
        Bookmark.objects.bulk_create([Bookmark(reader=READER, book=13), Bookmark(reader=READER, book=11)])
    assert_right([11, 13])


def test_parallel_adds_and_removes_end_as_the_rows():
    insert(30)
    ids = list(range(1, 61))
    assert_right(ids)

    def toggle(number):
        chance = random.Random(number)
        for _ in range(15):
            book = chance.choice(ids)
            Bookmark.objects.filter(reader=READER, book=book).delete()
            if chance.random() < 0.5:
                Bookmark.objects.get_or_create(reader=READER, book=book)
            members_among(bookmarks, READER, ids)

    in_parallel(*(lambda number=number: toggle(number) for number in range(6)))
    assert_right(ids)


def test_one_cached_id_takes_at_most_nine_bytes():
    insert(5_000, first=4_000_000_000)
    members_among(bookmarks, READER, [1])
    taken = sum(redis_client().memory_usage(key, samples=0) for key in keys())
    print(f"{taken / 5_000:.2f} bytes for each of 5,000 ids of 10 digits")
    assert taken / 5_000 <= 9


def test_an_edge_that_is_moved_leaves_its_old_owner():
    edge = Bookmark.objects.create(reader=READER, book=5)
    assert_right([5])
    Bookmark(pk=edge.pk, reader=READER + 1, book=5).save()
    assert_right([5])
    assert_right([5], READER + 1)
