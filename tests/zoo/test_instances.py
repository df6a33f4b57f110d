"""Instances: copies of those from the cache, deserialized ones, pickles, and the methods of Django's Model."""

import copy
import pickle
import uuid

import pytest
from asgiref.sync import async_to_sync
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from tests.zoo.models import Box, Cafe, Depot, Draft, Kiosk, Place, Stock, Writer
from tests.zoo.models.bulk import stock_of
from tests.zoo.models.inheritance import kiosks_in, places_in
from tests.zoo.truth import Truth


@pytest.fixture
def truth():
    depot = Depot.objects.create(name="d")
    Stock.objects.create(code="a", rank=1, depot=depot)
    Box.objects.create(code="b", rank=2, depot=depot, width=3)
    Cafe.objects.create(sign="cafe", street=1)
    Kiosk.objects.create(sign="kiosk", street=1)
    Writer.objects.create(name="Ann")
    return Truth(Stock, Box, Place, Cafe, Kiosk, lists=[stock_of, places_in, kiosks_in])


def cached(model, **which):
    instance = model.objects.get_one(model.objects.get(**which).pk)
    assert instance.is_from_cache
    return instance


# Saving what was read from the cache.


def test_a_whole_save_is_refused_and_the_sentence_tells_what_to_do(truth):
    writer = cached(Writer)
    for save in (writer.save, lambda: writer.save(force_update=True), async_to_sync(writer.asave)):
        with pytest.raises(
            ValueError, match=r"update_fields, use objects.update_one\(\), or read by objects.get\(\).*serializer"
        ):
            save()
    writer.save(update_fields=["name"])
    writer.save(update_fields=[])
    async_to_sync(writer.asave)(update_fields=["name"])


def test_a_rest_framework_serializer_is_told_what_its_view_should_do(truth):
    from rest_framework.serializers import ModelSerializer

    class WriterSerializer(ModelSerializer):
        class Meta:
            model = Writer
            fields = ("name",)

    serializer = WriterSerializer(cached(Writer), data={"name": "Anna"})
    assert serializer.is_valid()
    with pytest.raises(ValueError, match=r"the instance of a form or a serializer: get_queryset\(\) of a view"):
        serializer.save()
    serializer = WriterSerializer(Writer.objects.get(), data={"name": "Anna"})
    assert serializer.is_valid()
    serializer.save()
    assert cached(Writer).name == "Anna"


def test_a_copy_of_a_complete_instance_is_an_insert(truth):
    original = cached(Cafe, sign="cafe")
    twin = cached(Cafe, sign="cafe")
    twin.pk = twin.id = None
    twin._state.adding = True
    twin.sign = "twin"
    twin.save()
    assert twin.pk != original.pk
    assert Cafe.objects.count() == 2
    twin.seats = 9
    twin.save()  # it is no copy any more
    assert Cafe.objects.get_one(twin.pk).seats == 9
    assert truth.holds()


def test_a_copy_that_would_save_its_parent_is_refused(truth):
    twin = cached(Cafe, sign="cafe")
    twin.place_ptr_id = None
    with pytest.raises(ValueError, match="could undo newer writes"):
        twin.save()


def test_a_copy_that_lacks_columns_is_refused_and_told_which(truth):
    twin = cached(Stock, code="a")
    twin.pk, twin.code, twin.rank = None, "twin", 99
    with pytest.raises(
        ValueError, match=r"This copy of a Stock lacks note, which .* copy an instance .* objects.get\(\)"
    ):
        twin.save()
    whole = Stock.objects.get(code="a")
    whole.pk, whole.code, whole.rank, whole._state.adding = None, "whole", 98, True
    whole.save()
    assert truth.holds()


def test_force_insert(truth):
    writer = cached(Writer)
    with pytest.raises(IntegrityError), transaction.atomic():
        writer.save(force_insert=True)
    writer.pk, writer.token = writer.pk + 1, uuid.uuid4()
    writer.save(force_insert=True)
    assert Writer.objects.count() == 2


# Instances from the cache, as Django's instances.


def pickled(row):
    return pickle.loads(pickle.dumps(row))  # noqa: S301


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickled])
def test_copies_in_python(truth, make):
    row = make(cached(Stock, code="a"))
    assert row == Stock.objects.get(code="a")
    assert row.is_from_cache
    assert row.get_deferred_fields() == {"note"}
    with pytest.raises(ValueError, match="read from the cache"):
        row.save()
    row.n = 5
    row.save(update_fields=["n"])
    assert truth.holds()


def test_refreshing(truth):
    row = cached(Stock, code="a")
    Stock.objects.update(n=8)
    row.refresh_from_db(fields=["n"])
    assert (row.n, row.is_from_cache) == (8, True)
    row.refresh_from_db(from_queryset=Stock.objects.only("n"))
    assert row.is_from_cache
    row.refresh_from_db(from_queryset=Stock.objects.all())
    assert not row.is_from_cache
    row.save()
    row = cached(Stock, code="a")
    async_to_sync(row.arefresh_from_db)()
    assert not row.is_from_cache
    row.save()
    assert truth.holds()


def test_validation_and_deletion(truth):
    row = cached(Stock, code="a")
    row.full_clean(exclude=["stickers", "note"])
    row.code = "b"
    with pytest.raises(ValidationError):
        row.full_clean()
    async_to_sync(cached(Stock, code="a").adelete)()
    cached(Cafe, sign="cafe").delete()
    assert truth.holds()


# Saves that go past a model's own save().


def test_deserialized_objects_are_saved_in_no_transaction_as_well(truth):
    rows = [row for model in (Stock, Box, Place, Cafe, Kiosk) for row in model.objects.all()]
    text = serializers.serialize("json", rows)
    Stock.objects.update(n=7)
    Place.objects.update(street=5)
    assert truth.holds()
    for each in serializers.deserialize("json", text):
        each.save()
    assert truth.holds()
    assert set(Stock.objects.values_list("n", flat=True)) == {0}
    Place.objects.all().delete()
    for each in serializers.deserialize("json", text):
        each.save(using="default")
    assert truth.holds()


def test_a_raw_save(truth):
    for raw in (
        lambda: models.Model.save_base(Stock(pk=Stock.objects.get(code="a").pk, code="a", rank=1, n=3), raw=True),
        lambda: Stock(pk=Stock.objects.get(code="a").pk, code="a", rank=1, n=4).save_base(raw=True),
        lambda: models.Model.save_base(Stock(code="z", rank=77), True, False, False, "default"),
        lambda: Box.objects.get(code="b").save_base(),
    ):
        raw()
        assert truth.holds()


def test_a_refused_raw_save_leaves_no_hold(truth):
    with pytest.raises(IntegrityError):
        models.Model.save_base(Stock(code="a", rank=1), raw=True)
    assert truth.holds()
    assert Draft.objects.count() == 0
