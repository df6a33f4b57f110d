"""A router whose reads go to a replica: entries are filled from the database that the rows are written to."""

import pytest
from django.core.management import call_command
from django.db import connections, transaction

from caching import databases
from caching.api import Batch, existence_of
from caching.databases import key_prefix
from caching.testutils import reset_cache
from tests.zoo.models import Category, Person, Rating, Subscription, Ware, newest_subscribers, stars, subscriptions
from tests.zoo.values import Maker


class ReadsReplica:
    """Names `other` for each read, also in transactions: a replica that is far behind."""

    def db_for_read(self, model, **hints):
        return "other"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, *_, **__):
        return True


@pytest.fixture(autouse=True, params=["mirror", "a database of its own"])
def replica(request, settings, monkeypatch):
    """Rows that the replica has with other contents, or has not."""
    if request.param == "mirror":
        monkeypatch.setitem(connections.settings["other"], "TEST", {"MIRROR": "default"})
    databases._known.clear()
    people = [Person.objects.create(pk=number, name=f"new {number}") for number in (1, 2)]
    ware = Ware.objects.create(**Maker(700).fields(Ware) | {"id": 1})
    for alias, name in (("default", "new"), ("other", "old")):
        Category(pk=1, slug=name, name=name).save(using=alias)
    Rating.objects.create(pk=1, person=people[0], ware=ware, stars=5)
    Subscription.objects.create(pk=1, reader=people[0], writer=people[1])
    reset_cache()
    settings.DATABASE_ROUTERS = [ReadsReplica()]
    yield
    databases._known.clear()


def read_everything():
    batch = Batch()
    some, there = batch.rows(Category, [1]), batch.add(existence_of(Person).among([1, 2, 3]))
    asked = [
        batch.add(each)
        for each in (subscriptions.among(1, [2, 3]), newest_subscribers.of(2), stars.of(1, [1]))
    ]  # fmt: skip
    batch.run()
    rating = Rating.objects.db_manager("default").get(pk=1)
    Rating.objects.hydrate([rating], "person")
    return (
        Category.objects.get_one(1).name, Category.objects.get_one(slug="new").pk, some.instance(1).name,
        Category.objects.get_some([1]).results[0].name, Category.objects.get_one_cols(1, "name")["name"],
        there.result, [each.result for each in asked], rating.person.name,
    )  # fmt: skip


NEW = ("new", 1, "new", "new", "new", ([1, 2], [3]), [{2: True, 3: False}, [1], {1: 5}], "new 1")


@pytest.mark.parametrize("is_enabled", [True, False])
@pytest.mark.parametrize("is_atomic", [False, True])
def test_no_read_through_the_cache_asks_the_replica(settings, django_assert_num_queries, is_atomic, is_enabled):
    settings.CACHING = {**settings.CACHING, "ENABLED": is_enabled}
    with django_assert_num_queries(0, using="other"):
        for _ in range(2):
            if is_atomic:
                with transaction.atomic():
                    assert read_everything() == NEW
            else:
                assert read_everything() == NEW


def test_no_write_asks_the_replica(django_assert_num_queries):
    with django_assert_num_queries(0, using="other"):
        Category.objects.update_one(1, name="newer")
        assert Category.objects.get_one(1).name == "newer"
        Category.objects.filter(pk=1).update(name="newest")
        assert Category.objects.get_or_create(pk=1, defaults={"slug": "x"})[0].name == "newest"
        assert Category.objects.update_or_create(pk=1, defaults={"name": "last"})[1] is False
        Category.objects.bulk_update([Category(pk=1, name="again")], ["name"])
        assert Category.objects.get_one(1).name == "again"
        Subscription.objects.filter(reader_id=1).delete()
        Category.objects.filter(pk=1).delete()
    with pytest.raises(Category.DoesNotExist):
        Category.objects.get_one(1)


def test_the_warm_up_reads_what_is_written(django_assert_num_queries):
    with django_assert_num_queries(0, using="other"):
        call_command("warm_cache", "zoo.Category", verbosity=0)
        with django_assert_num_queries(0, using="default"):
            assert Category.objects.get_one(1).name == "new"


def test_an_instance_that_was_read_from_the_replica_leads_to_the_writer(django_assert_num_queries):
    old = Category.objects.get(pk=1)
    assert (old.name, old._state.db) == ("old", "other")
    with django_assert_num_queries(0, using="other"):
        old.name = "newer"
        old.save(update_fields=["name"])
        assert Category.objects.get_one(1).name == "newer"


def test_a_mirror_has_no_entries_of_its_own(django_assert_num_queries):
    if not connections.settings["other"]["TEST"].get("MIRROR"):
        pytest.skip("only an alias that is said to be the same database")
    assert key_prefix("other") == key_prefix("default")
    with django_assert_num_queries(0, using="other"):
        assert Category.objects.db_manager("other").get_one(1).name == "new"
        assert Category.objects.db_manager("other").get_one(slug="new").name == "new"
