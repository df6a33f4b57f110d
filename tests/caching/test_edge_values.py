"""Edge values equal the database after every kind of write."""

import pytest
from django.db import transaction

from caching.entries.edge_values import Pair
from caching.protocol import steps
from caching.reading.batch import Batch
from caching.redis.client import redis_client
from caching.testutils import redis_usage
from tests.support.interpose import interpose
from tests.support.threads import in_another_thread
from tests.testapp.models import Author, Review, stars_given

READER, OTHER = 7, 8
BOOKS = [3, 1, 2, 4]


def given(reader=READER, books=BOOKS):
    batch = Batch()
    stars = batch.add(stars_given.of(reader, books))
    batch.run()
    return stars.result


def truth(reader=READER):
    rows = dict(Review.objects.filter(reader=reader).values_list("book", "stars"))
    return {book: rows.get(book) for book in BOOKS}


@pytest.fixture
def reviews():
    """Reviews of the books 1 to 3, with 1 to 3 stars."""
    return [Review.objects.create(reader=READER, book=book, stars=book) for book in (1, 2, 3)]


def test_in_the_order_asked_and_none_for_no_edge(reviews):
    assert list(given().items()) == [(3, 3), (1, 1), (2, 2), (4, None)]
    assert given(OTHER) == dict.fromkeys(BOOKS)
    assert given(books=[]) == {}
    assert given(books=[3, 3]) == {3: 3}


@pytest.mark.one_redis
def test_a_cold_read_of_several_owners_is_one_query_and_a_warm_one_shares_the_round_trip(
    reviews, ann, django_assert_num_queries
):
    for sql, round_trips in ((2, 3), (0, 1)):  # the values, the author
        batch = Batch()
        mine = batch.add(stars_given.of(READER, BOOKS))
        others = batch.add(stars_given.of(OTHER, BOOKS[:2]))
        people = batch.rows(Author, [ann.pk])
        with redis_usage() as usage, django_assert_num_queries(sql):
            batch.run()
        assert (usage.round_trips, usage.commands) == (round_trips, round_trips)
        assert (mine.result, others.result, people.instance(ann.pk).name) == (truth(), {3: None, 1: None}, "Ann")


WRITES = {
    "create": lambda reviews: Review.objects.create(reader=READER, book=4, stars=4),
    "create for another": lambda reviews: Review.objects.create(reader=OTHER, book=1, stars=5),
    "create for nobody": lambda reviews: Review.objects.create(book=1, stars=5),
    "bulk_create": lambda reviews: Review.objects.bulk_create(
        [Review(reader=READER, book=4, stars=4), Review(reader=OTHER, book=2, stars=4)]
    ),
    "save": lambda reviews: Review(pk=reviews[0].pk, reader=READER, book=1, stars=9).save(),
    "save some fields": lambda reviews: Review(pk=reviews[0].pk, stars=9).save(update_fields=["stars"]),
    "save to another": lambda reviews: Review(pk=reviews[0].pk, reader=OTHER, book=2, stars=9).save(),
    "save of another book": lambda reviews: Review(pk=reviews[0].pk, reader=READER, book=4).save(),
    "update_one": lambda reviews: Review.objects.update_one(reviews[1].pk, stars=9),
    "update": lambda reviews: Review.objects.filter(pk__lte=reviews[1].pk).update(stars=9),
    "update to null": lambda reviews: Review.objects.filter(reader=READER).update(stars=None),
    "update to another": lambda reviews: Review.objects.filter(reader=READER).update(reader=OTHER),
    "update to nobody": lambda reviews: Review.objects.filter(reader=READER).update(reader=None),
    "bulk_update": lambda reviews: Review.objects.bulk_update([Review(pk=reviews[2].pk, stars=9)], ["stars"]),
    "delete": lambda reviews: Review.objects.get(pk=reviews[0].pk).delete(),
    "queryset delete": lambda reviews: Review.objects.filter(reader=READER).delete(),
    "deleted and created": lambda reviews: (
        Review.objects.get(pk=reviews[0].pk).delete(), Review.objects.create(reader=READER, book=1, stars=9)
    ),
}  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
def test_a_write_shows_at_once(reviews, write):
    before = given(), given(OTHER)
    with transaction.atomic():
        WRITES[write](reviews)
        assert (given(), given(OTHER)) == (truth(), truth(OTHER))
        assert in_another_thread(lambda: (given(), given(OTHER))) == before
    assert (given(), given(OTHER)) == (truth(), truth(OTHER)) != before or "nobody" in write


@pytest.mark.parametrize("reader", [READER, OTHER])
@pytest.mark.parametrize("write", WRITES)
def test_a_reader_that_loaded_before_a_write_and_fills_after_it_does_not_fill(reviews, write, reader):
    with interpose(type(stars_given), "load", after=lambda: in_another_thread(lambda: WRITES[write](reviews))):
        given(reader)
    assert given(reader) == truth(reader)


def test_a_write_past_all_verbs_holds_by_itself(reviews):
    given()
    with transaction.atomic():
        stars_given.hold(Review.objects.db, [Pair(READER, 1)])
        Review.objects.filter(pk=reviews[0].pk)._update([(Review._meta.get_field("stars"), None, 9)])
    assert given() == truth() == {**truth(), 1: 9}


def test_what_the_entry_does_not_tell_of_leaves_it_alone(reviews, django_assert_num_queries):
    given()
    Review.objects.filter(reader=READER).update(text="Good")
    Review.objects.update_one(reviews[0].pk, text="Better")
    with django_assert_num_queries(0):
        assert given()[1] == 1


def test_a_change_that_rolls_back_leaves_it_right(reviews):
    given()
    with transaction.atomic():
        Review.objects.create(reader=READER, book=4, stars=4)
        transaction.set_rollback(True)
    assert given() == truth()


@pytest.mark.one_redis
@pytest.mark.parametrize("damaged", [b"V", b"Vxxxxxxxx\x05", b"nonsense"])
def test_an_entry_that_cannot_be_read_is_replaced(reviews, damaged):
    given()
    key = stars_given.key(Pair(READER, 3))
    mark = redis_client().get(key)[:9]
    for entry in (damaged, mark, mark + b"\xa1x"):
        redis_client().set(key, entry)
        assert given() == truth()
        assert redis_client().get(key)[0] == steps.VALUE
