"""CACHING["ENABLED"] = False: every verb answers as it does on a hit, from the database, and no Redis is needed."""

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.db import NotSupportedError, transaction
from django.db.transaction import TransactionManagementError
from django.test import override_settings

from caching.api import Batch, existence_of, hold_keys, invalidate_all
from caching.extend import Script, breaker
from caching.models import PendingInvalidation
from caching.reading import stats
from caching.testutils import redis_usage, reset_cache
from tests.zoo.models import Cook, Liking, Recipe, Taste, liked, newest_recipes, stars_given

pytestmark = pytest.mark.any_database

NO_REDIS = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture(params=["with Redis", "without"])
def off(request, settings):
    """Switch the cache off, with a Redis that may not be touched, or with none in the settings."""
    settings.CACHING = {"PREFIX": "zoo", "ENABLED": False}
    if request.param == "without":
        settings.CACHES = NO_REDIS
    with redis_usage() as usage:
        yield usage
    assert (usage.round_trips, usage.commands) == (0, 0)
    assert not PendingInvalidation.objects.exists()


@pytest.fixture
def ann(db):
    return Cook.objects.create_one(name="Ann", secret="s3cret")


def everything(ann):
    """What all kinds of reads say of Ann's two recipes, the first liked and tasted."""
    ids = list(Recipe.objects.order_by("pk").values_list("pk", flat=True))
    batch = Batch()
    cooks, exist = batch.rows(Cook, [ann.pk, 10**9]), batch.add(existence_of(Recipe).among([*ids, 10**9]))
    answers = [
        batch.add(each) for each in (liked.among(ann.pk, ids), newest_recipes.of(ann.pk), stars_given.of(ann.pk, ids))
    ]
    batch.run()
    return (
        cooks.cols("name"), exist.result, *[answer.result for answer in answers],
        Cook.objects.get_one(ann.pk), Cook.objects.get_one(name="Ann"),
        Cook.objects.get_some([ann.pk, str(ann.pk), 10**9]),
        Recipe.objects.get_one_cols(ids[0], "title"), Recipe.objects.get_some_cols(ids, "title", "cook_id"),
    )  # fmt: skip


def write_all(ann):
    first, second = (Recipe.objects.create_one(title=title, cook=ann) for title in ("Soup", "Pie"))
    Liking.objects.create(cook=ann, recipe=first)
    Taste.objects.create(cook=ann, recipe=first, stars=4)
    return first, second


def test_everything_says_the_same_as_on_a_hit(ann):
    write_all(ann)
    cold, warm = everything(ann), everything(ann)
    with override_settings(CACHING={"PREFIX": "zoo", "ENABLED": False}), redis_usage() as usage:
        assert everything(ann) == warm == cold
    assert usage.commands == 0


def test_writes_show_at_once_and_hold_nothing(off, ann):
    first, second = write_all(ann)
    assert everything(ann)[2:4] == ({first.pk: True, second.pk: False}, [second.pk, first.pk])
    Cook.objects.update_one(ann.pk, name="Bea")
    Recipe.objects.filter(pk=first.pk).update(title="Stew")
    Recipe.objects.bulk_update([Recipe(pk=second.pk, title="Tart")], ["title"])
    Liking.objects.all().delete()
    Taste.objects.get().delete()
    with transaction.atomic():
        Cook.objects.bulk_create([Cook(name="Cid"), Cook(name="Dan")])
    assert Cook.objects.get_one(name="Bea").pk == ann.pk
    Cook.objects.update_one(ann.pk, name="Ann")
    assert [row["title"] for row in Recipe.objects.get_some_cols([first.pk, second.pk]).results] == ["Stew", "Tart"]
    assert everything(ann)[2:5] == (
        {first.pk: False, second.pk: False},
        [second.pk, first.pk],
        {first.pk: None, second.pk: None},
    )
    Cook.objects.filter(pk=ann.pk).delete()
    assert Cook.objects.get_some([ann.pk]).missing == [ann.pk]


def test_instances_are_those_of_a_hit(off, ann, django_assert_num_queries):
    cook = Cook.objects.get_one(ann.pk)
    assert cook.get_deferred_fields() == {"secret"}
    with django_assert_num_queries(1):
        assert cook.secret == "s3cret"
    with pytest.raises(ValueError, match="read from the cache"):
        cook.save()


@pytest.mark.parametrize(
    ("raises", "call"),
    [
        (Cook.DoesNotExist, lambda: Cook.objects.get_one(10**9)),
        (Cook.DoesNotExist, lambda: Cook.objects.get_one_cols(10**9)),
        (Cook.DoesNotExist, lambda: Cook.objects.get_one(name="Nobody")),
        (Cook.DoesNotExist, lambda: Cook.objects.update_one(10**9, name="x")),
        (ValidationError, lambda: Cook.objects.get_one("x")),
        (FieldError, lambda: Cook.objects.get_some_cols([1], "secret")),
        (TypeError, lambda: Cook.objects.get_one()),
        (ValueError, lambda: Cook.objects.get_one(secret="x")),
        (ValidationError, lambda: liked.among(1, ["x"])),
        (NotSupportedError, lambda: Liking.objects.update(recipe=1)),
        (NotSupportedError, lambda: Cook.objects.bulk_create([Cook(name="x")], ignore_conflicts=True)),
        (TransactionManagementError, lambda: hold_keys("default", ["zoo:key"])),
        (CommandError, lambda: call_command("warm_cache")),
        (CommandError, lambda: call_command("invalidate_cache", "--all")),
    ],
)
def test_exceptions_are_the_same(off, db, raises, call):
    with pytest.raises(raises):
        call()


def test_a_read_and_a_write_cost_what_they_cost_in_plain_django(off, ann, django_assert_num_queries):
    with django_assert_num_queries(1):
        Cook.objects.get_some([ann.pk, 10**9])
    with django_assert_num_queries(1):
        Cook.objects.get_one(name="Ann")
    with transaction.atomic():
        with django_assert_num_queries(1):
            Cook.objects.filter(pk=ann.pk).update(name="Bea")
        with django_assert_num_queries(2):
            Taste.objects.create(cook=ann, recipe=Recipe.objects.create(title="Pie", cook=ann), stars=1)
        with django_assert_num_queries(2):
            Taste.objects.get().delete()


def test_operators_verbs_and_scripts_do_nothing(off, ann):
    batch = Batch()
    reply = batch.script(Script("return 1"), keys=["throttle"])
    batch.run()
    assert reply.result is None
    assert "is off" in Cook.objects.cache_entry(ann.pk)
    Cook.objects.drop_entry(ann.pk)
    assert (Cook.objects.invalidate(), liked.invalidate(owner=1), invalidate_all()) == (0, 0, 0)
    call_command("drain_invalidations", "--once")
    reset_cache()


def test_switched_on_again_it_caches(ann):
    with override_settings(CACHING={"PREFIX": "zoo", "ENABLED": False}):
        Cook.objects.get_one(ann.pk)
        assert not breaker.is_closed
    reset_cache()
    Cook.objects.get_one(ann.pk)
    hits = stats.snapshot()["zoo.cook"].get("hits", 0)
    Cook.objects.get_one(ann.pk)
    assert stats.snapshot()["zoo.cook"]["hits"] == hits + 1
    assert breaker.is_closed


def test_a_setting_that_there_is_not_is_refused(settings):
    settings.CACHING = {"ENABLE": False}
    with pytest.raises(ImproperlyConfigured, match="no setting 'ENABLE'; it knows ENABLED, "):
        reset_cache()
