"""Edge lists (the newest edges of an owner, with their members) equal the database after every kind of write."""

import pytest
from django.db import transaction

from caching.reading.batch import Batch
from caching.testutils import redis_usage
from tests.support.interpose import interpose
from tests.support.threads import in_another_thread
from tests.testapp.models import Author, Loan, Review, latest_loans, latest_reviews

READER, OTHER = 7, 8


def listed(edges, reader=READER):
    batch = Batch()
    found = batch.add(edges.of(reader))
    batch.run()
    return found.result


def truth(edges, reader=READER):
    rows = edges.model.objects.filter(edges.where, reader=reader).order_by("-pk")
    return list(rows.values_list("pk", "book")[: edges.newest])


@pytest.fixture
def reviews():
    return [Review.objects.create(reader=READER, book=10 - number, stars=number) for number in range(6)]


def test_the_newest_with_their_members(reviews):
    assert listed(latest_reviews) == [(reviews[5].pk, 5), (reviews[4].pk, 6)] == truth(latest_reviews)
    assert listed(latest_reviews, OTHER) == []


@pytest.mark.one_redis
def test_a_warm_list_shares_the_command_of_rows(reviews, ann, django_assert_num_queries):
    for _ in range(2):
        batch = Batch()
        batch.add(latest_reviews.of(READER)), batch.rows(Author, [ann.pk])
        with redis_usage() as usage:
            batch.run()
    assert (usage.round_trips, usage.commands) == (1, 1)


WRITES = {
    "create": lambda reviews: Review.objects.create(reader=READER, book=20, stars=4),
    "create for another": lambda reviews: Review.objects.create(reader=OTHER, book=20, stars=4),
    "bulk_create": lambda reviews: Review.objects.bulk_create([Review(reader=READER, book=20, stars=3)]),
    "another member": lambda reviews: Review.objects.update_one(reviews[5].pk, book=21),
    "not admitted any more": lambda reviews: Review.objects.update_one(reviews[5].pk, stars=1),
    "update of members": lambda reviews: Review.objects.filter(pk=reviews[4].pk).update(book=22),
    "update to another": lambda reviews: Review.objects.filter(reader=READER).update(reader=OTHER),
    "delete": lambda reviews: Review.objects.get(pk=reviews[5].pk).delete(),
    "queryset delete": lambda reviews: Review.objects.filter(reader=READER).delete(),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_shows_at_once(reviews, write):
    def both():
        return listed(latest_reviews), listed(latest_reviews, OTHER)

    before = both()
    with transaction.atomic():
        WRITES[write](reviews)
        assert in_another_thread(both) == before
    assert both() == (truth(latest_reviews), truth(latest_reviews, OTHER))


@pytest.mark.parametrize("write", WRITES)
def test_a_reader_that_loaded_before_a_write_fills_nothing(reviews, write):
    with interpose(type(latest_reviews), "load", after=lambda: in_another_thread(lambda: WRITES[write](reviews))):
        listed(latest_reviews)
    assert listed(latest_reviews) == truth(latest_reviews)


def test_beside_an_id_set_of_the_same_edges():
    for book in (5, 3, 9, 1):
        Loan.objects.create(reader=READER, book=book)
    assert [book for _, book in listed(latest_loans)] == [1, 9, 3]
    Loan.objects.get(book=9).delete()
    assert listed(latest_loans) == truth(latest_loans)
    assert [book for _, book in listed(latest_loans)] == [1, 3, 5]
