"""A lock that is released before the commit loses ratings, although no two writers hold it at the same time."""

import threading
from functools import partial

import pytest
from django.db import transaction

from counters.reads import counts_of
from ratings import services
from ratings.counts import KIND
from ratings.models import Item
from tests.support.threads import in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


def add(item_id: int, score: int) -> None:
    """Read the sum, add to it, write it back; the column `description` is used for the sum."""
    total = int(Item.objects.values_list("description", flat=True).get(pk=item_id))
    Item.objects.filter(pk=item_id).update(description=str(total + score))


@pytest.mark.services  # SQLite has one writer at a time, so the second cannot begin
def test_a_lock_inside_the_transaction_loses_a_rating(item):
    Item.objects.filter(pk=item.pk).update(description="0")
    lock, first_is_out, second_has_read = threading.Lock(), threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            with lock:
                add(item.pk, 5)
            first_is_out.set()
            second_has_read.wait(10)  # the lock is released, the commit has not been made

    def second():
        first_is_out.wait(10)
        with transaction.atomic(), lock:
            total = int(Item.objects.values_list("description", flat=True).get(pk=item.pk))
            second_has_read.set()
            Item.objects.filter(pk=item.pk).update(description=str(total + 7))

    in_parallel(first, second)
    assert Item.objects.get(pk=item.pk).description == "7", "5 is lost"


def test_a_lock_around_the_transaction_loses_none(item):
    Item.objects.filter(pk=item.pk).update(description="0")
    lock = threading.Lock()

    def rate(score):
        with lock, transaction.atomic():
            add(item.pk, score)

    in_parallel(*[partial(rate, score) for score in (5, 7, 9)])
    assert Item.objects.get(pk=item.pk).description == "21"


def test_no_lock_at_all_loses_none(item, alice, bob, carol):
    rates = [
        partial(services.rate, user_id=user.pk, item_id=item.pk, score=score)
        for user, score in ((alice, 5), (bob, 7), (carol, 9))
    ]
    in_parallel(*rates)
    assert counts_of(KIND, [item.pk])[item.pk]["sum"] == 21
