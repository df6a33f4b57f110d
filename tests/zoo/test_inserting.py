"""Rows that the database admits in the statement that inserts them: signals, entries and sets are those of a save."""

import pytest
from django.db import IntegrityError, connection, transaction

from caching.api import Batch, insert_where
from caching.testutils import redis_usage
from tests.zoo.hearing import hearing
from tests.zoo.models import Person, Subscription
from tests.zoo.models.edges import newest_readers, newest_subscribers, subscriptions
from tests.zoo.truth import Truth

USING = "default"


@pytest.fixture
def heard():
    """The signals of subscriptions that were sent: the name, whether the row had no key yet, its database."""

    def note(*, instance, using, **_):
        return instance.pk is None, using

    with hearing(Subscription, note, "pre_save", "post_save") as heard:
        yield heard


def subscribe(reader, writer, name):
    """Insert a subscription if the writer has this name."""
    row = Subscription(reader=reader, writer=writer)
    table = connection.ops.quote_name(Person._meta.db_table)
    with transaction.atomic():
        return insert_where(USING, row, f"FROM {table} WHERE id = %s AND name = %s", [writer.pk, name]), row


def test_a_row_that_is_admitted(people, heard):
    truth = Truth(sets=[subscriptions], lists=[newest_subscribers, newest_readers])
    is_new, row = subscribe(people[0], people[1], "p1")
    assert is_new
    assert heard == [("pre_save", True, USING), ("post_save", False, USING)]
    stored = Subscription.objects.get()
    assert (row.pk, row.since, row._state.adding, row._state.db) == (stored.pk, stored.since, False, USING)
    assert truth.holds()
    row.delete()
    assert truth.holds()


def test_a_row_that_is_not_admitted_leaves_the_sets_loaded(people, heard):
    subscribe(people[0], people[2], "p2")
    truth = Truth(sets=[subscriptions], lists=[newest_subscribers, newest_readers])
    del heard[:]
    is_new, row = subscribe(people[0], people[1], "somebody else")
    assert (is_new, row.pk, row._state.adding) == (False, None, True)
    assert heard == [("pre_save", True, USING)]
    with redis_usage() as usage:
        batch = Batch()
        asked = batch.add(subscriptions.among(people[0].pk, [each.pk for each in people]))
        batch.run()
    assert list(asked.result.values()) == [False, False, True]
    assert usage.round_trips == 1
    assert truth.holds()


def test_a_set_that_was_changed_before_is_not_kept_as_it_was(people):
    truth = Truth(sets=[subscriptions], lists=[newest_subscribers, newest_readers])
    with transaction.atomic():
        subscribe(people[0], people[1], "p1")
        subscribe(people[0], people[2], "somebody else")
    assert truth.holds()


def test_a_refused_row_is_as_a_refused_save(people):
    subscribe(people[0], people[1], "p1")
    truth = Truth(sets=[subscriptions], lists=[newest_subscribers, newest_readers])
    with pytest.raises(IntegrityError):
        subscribe(people[0], people[1], "p1")
    assert truth.holds()
