"""delete_edge(): one edge is deleted without Django's Collector; sets, lists and receivers are told as if by it."""

import pytest
from django.db import NotSupportedError, connection, transaction
from django.test.utils import CaptureQueriesContext

from caching.api import delete_edge
from tests.zoo.hearing import hearing
from tests.zoo.models import Person, Rating, Subscription, Tenant, Ware
from tests.zoo.models.edges import newest_readers, newest_subscribers, public_ratings, stars, subscriptions
from tests.zoo.truth import Truth

USING = "default"


@pytest.fixture
def heard():
    """What receivers of subscriptions' deletions were told: the signal's name, the row, whether it is in the table."""

    def note(*, instance, **_):
        return instance.pk, instance.since, Subscription.objects.filter(pk=instance.pk).exists()

    with hearing(Subscription, note, "pre_delete", "post_delete") as heard:
        yield heard


def unsubscribe(reader, writer):
    with transaction.atomic():
        return delete_edge(USING, Subscription, reader_id=reader.pk, writer_id=writer.pk)


def test_an_edge_is_deleted_and_everybody_told(people, heard):
    rows = [Subscription.objects.create(reader=people[0], writer=writer) for writer in people[1:]]
    truth = Truth(sets=[subscriptions], lists=[newest_subscribers, newest_readers])
    assert unsubscribe(people[0], people[1])
    row = rows[0]
    assert heard == [("pre_delete", row.pk, row.since, True), ("post_delete", row.pk, row.since, False)]
    assert [each.pk for each in Subscription.objects.all()] == [rows[1].pk]
    assert truth.holds()


def test_without_an_edge_nobody_is_told(people, heard):
    Subscription.objects.create(reader=people[0], writer=people[1])
    truth = Truth(sets=[subscriptions], lists=[newest_subscribers, newest_readers])
    with CaptureQueriesContext(connection) as queries:
        assert not unsubscribe(people[1], people[0])
    assert sum(query["sql"].startswith(("SELECT", "DELETE")) for query in queries) == 1
    assert heard == []
    assert truth.holds()


def test_a_rollback_leaves_everything(people):
    Subscription.objects.create(reader=people[0], writer=people[1])
    truth = Truth(sets=[subscriptions], lists=[newest_subscribers, newest_readers])
    with transaction.atomic():
        assert delete_edge(USING, Subscription, reader_id=people[0].pk, writer_id=people[1].pk)
        transaction.set_rollback(True)
    assert Subscription.objects.count() == 1
    assert truth.holds()


def test_an_edge_of_a_cached_model(people):
    tenant = Tenant.objects.create(domain="tea.example")
    ware = Ware.objects.create(tenant=tenant, sku="tea", price=1)
    rating = Rating.objects.create(person=people[0], ware=ware, stars=4)
    truth = Truth(lists=[public_ratings], values=[stars])
    assert Rating.objects.get_one(rating.pk).stars == 4
    with transaction.atomic():
        assert delete_edge(USING, Rating, person_id=people[0].pk, ware_id=ware.pk)
    with pytest.raises(Rating.DoesNotExist):
        Rating.objects.get_one(rating.pk)
    assert truth.holds()


def test_a_model_that_others_refer_to_is_refused(people):
    with pytest.raises(NotSupportedError, match="refers to"), transaction.atomic():
        delete_edge(USING, Person, id=people[0].pk)
    assert Person.objects.count() == 3
