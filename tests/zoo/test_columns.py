"""A value reads the same on a miss and on a hit, or its column is not cached; and a secret is never in Redis."""

import datetime
import decimal
import json
import warnings

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, models
from django.utils import timezone

from caching.api import Cached, CachedModel, redis_client
from caching.columns import cached_fields, fault_of
from caching.entries import lookup, rows
from caching.entries.rows import rows_of
from caching.faults import faults_of
from caching.protocol import codec
from tests.zoo.models import Colour, Columns, NullableColumns, ShoutedField, Slot, Vault
from tests.zoo.questions import exact

SECRETS = ["4711", "hidden", "PASSWORD"]


@pytest.fixture
def vault():
    return Vault.objects.create(
        name="ann", pin="4711", secret="hidden", colour=Colour.BLUE, words=["PASSWORD", "x"], shout="quiet",
        document={"n": 1},
    )  # fmt: skip


def everything_in_redis():
    client, found = redis_client(), []
    for key in client.scan_iter():
        found.append(key + (client.get(key) or b""))
    return b" ".join(found)


def test_columns_with_conversions_are_read_from_the_database(vault, django_assert_num_queries):
    truth = Vault.objects.filter(pk=vault.pk).get()
    assert (truth.secret, truth.colour, truth.words, truth.shout) == ("hidden", Colour.BLUE, ["PASSWORD", "x"], "QUIET")
    for _ in range(3):
        found = Vault.objects.get_one(vault.pk)
        names = [field.attname for field in Vault._meta.concrete_fields]
        assert [exact(getattr(found, name)) for name in names] == [exact(getattr(truth, name)) for name in names]
    with django_assert_num_queries(0):
        found = Vault.objects.get_one(vault.pk)
        assert (found.name, found.name_upper) == ("ann", "ANN")
        assert found.shout == "QUIET"
    assert found.get_deferred_fields() == {"pin", "secret", "colour", "words", "document", "pin_upper"}
    for secret in SECRETS:
        assert secret.encode() not in everything_in_redis()
        assert secret[::-1].encode() not in everything_in_redis()


def test_a_generated_column_follows_what_it_is_computed_of(vault):
    for name in ("bea", "cy"):
        Vault.objects.get_one(vault.pk)
        Vault.objects.filter(pk=vault.pk).update(name=name)
        assert Vault.objects.get_one(vault.pk).name_upper == name.upper()
        Vault.objects.get_one(vault.pk)
        Vault.objects.update_one(vault.pk, pin=name)
        assert Vault.objects.get_one(vault.pk).pin_upper == name.upper()


def test_a_write_of_a_column_that_is_not_cached_drops_nothing(vault, django_assert_num_queries):
    Vault.objects.get_one(vault.pk)
    Vault.objects.filter(pk=vault.pk).update(secret="other", pin="1", colour=Colour.RED)
    with django_assert_num_queries(0):
        Vault.objects.get_one(vault.pk)


def test_the_check_names_the_columns_that_are_not_cached():
    found = [each for each in checks.run_checks() if each.id == "caching.W010" and each.obj is Vault]
    columns = {each.msg.split("'")[1] for each in found}
    assert columns == {"secret", "colour", "words", "document", "pin_upper"}
    assert "read from the database each time: EncryptedField has conversions of its own" in str(found)
    assert all("Cached(never=(" in each.hint for each in found)
    assert not [each for each in checks.run_checks() if each.level >= checks.ERROR and each.id.startswith("caching.")]


class Plain(models.CharField):
    """Only forms and validation."""

    default_validators = []
    description = "x"

    def __init__(self, *args, colour="red", **kwargs):
        self.colour = colour
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "colour": self.colour}

    def formfield(self, **kwargs):
        return super().formfield(**kwargs)

    def clean(self, value, model_instance):
        return super().clean(value, model_instance)

    def pre_save(self, model_instance, add):
        return super().pre_save(model_instance, add)

    def own_method(self):
        return 1


OVERRIDES = [
    "from_db_value", "to_python", "get_prep_value", "get_db_prep_value", "get_db_prep_save", "value_from_object",
    "get_internal_type", "get_db_converters", "select_format", "get_placeholder", "get_col", "get_attname",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Field.get_placeholder is deprecated")  # since Django 6.1
@pytest.mark.parametrize("name", OVERRIDES)
def test_whoever_converts_is_not_cached(name, misdeclared):
    inherited = getattr(models.CharField, name, lambda self, *args: args[0])
    field = type("Converting", (Plain,), {name: inherited})(max_length=9)
    mixed = type("Mixed", (type("Mixin", (), {name: inherited}), models.TextField), {})()
    meta = type("Meta", (CachedModel.Meta,), {"app_label": "zoo"})
    body = {"__module__": __name__, "Meta": meta, "cached": Cached(), "plain": Plain(max_length=9)}
    model = type("Thing", (CachedModel,), {**body, "converting": field, "mixed": mixed})
    assert {each.name for each in cached_fields(model)} == {"id", "plain"}


def test_kinds_that_are_not_known_are_not_cached(misdeclared):
    class Odd(models.Field):
        def db_type(self, connection):
            return "text"

    class Foreign(models.ForeignKey):
        def to_python(self, value):
            return super().to_python(value)

    class Thing(CachedModel):
        odd = Odd()
        document = models.JSONField(decoder=json.JSONDecoder)
        encoded = models.JSONField(encoder=json.JSONEncoder)
        link = Foreign(Vault, models.CASCADE, related_name="+")

        class Meta(CachedModel.Meta):
            app_label = "zoo"

    assert {each.name for each in cached_fields(Thing)} == {"id", "encoded"}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="columns of PostgreSQL")
def test_columns_of_postgresql_are_not_cached(misdeclared):
    from django.contrib.postgres import fields

    class Thing(CachedModel):
        tags = fields.ArrayField(models.CharField(max_length=9))
        pairs = fields.HStoreField()
        numbers = fields.IntegerRangeField()
        days = fields.DateRangeField()
        times = fields.DateTimeRangeField()

        class Meta(CachedModel.Meta):
            app_label = "zoo"

    assert {each.name for each in cached_fields(Thing)} == {"id"}
    assert all(fault_of(field) for field in Thing._meta.concrete_fields[1:])


def test_a_column_that_can_neither_be_cached_nor_read_later_is_refused(misdeclared):
    class Eager(ShoutedField):
        def from_db_value(self, value, *_):
            return value

    class Thing(CachedModel):
        eager = Eager(max_length=9)

        class Meta(CachedModel.Meta):
            app_label = "zoo"

    assert [fault.id for fault in faults_of(Thing)] == ["caching.E021"]
    with pytest.raises(ImproperlyConfigured, match="'eager' is not cached, and its descriptor cannot read it later"):
        rows_of(Thing)


LIMITS = [
    {"moment": datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)},
    {"moment": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=datetime.UTC)},
    {"day": datetime.date(1, 1, 1)}, {"day": datetime.date(9999, 12, 31)},
    {"duration": datetime.timedelta(days=-100, microseconds=1)}, {"duration": datetime.timedelta(days=9999, hours=1)},
    {"price": decimal.Decimal("-12345678.0001")}, {"price": decimal.Decimal("-0.0000")}, {"ratio": -0.0},
    {"ratio": 5e-324}, {"document": {"n": 2**70}}, {"document": [[[[{"a": 1.0, "b": 1, "c": None}]]]]},
    {"document": "\ud83d\ude00"}, {"big": -(2**63)}, {"big": 2**63 - 1}, {"text": "a\nb\u2028c"},
    {"blob": b"\0\xff" * 9}, {"address": "::ffff:10.0.0.1"}, {"time": datetime.time(23, 59, 59, 999999)},
    {"file": "a/b c.txt"}, {"flag": True},
]  # fmt: skip


@pytest.mark.parametrize("values", LIMITS, ids=str)
def test_values_at_their_limits(values):
    columns = Columns.objects.create(**values)
    compare(Columns, columns.pk)


def compare(model, pk):
    names = rows_of(model).codec.columns
    truth = [exact(value) for value in model.objects.filter(pk=pk).values_list(*names).get()]
    for _ in range(3):
        found = model.objects.get_one_cols(pk)
        assert [exact(as_bytes(found[name])) for name in names] == list(map(as_bytes, truth))
        instance = model.objects.get_one(pk)
        assert [as_bytes(getattr(instance, name)) for name in names] == [
            as_bytes(getattr(model.objects.get(pk=pk), name)) for name in names
        ]


def as_bytes(value):
    if isinstance(value, tuple) and value[0] == "memoryview":
        return value
    return bytes(value) if isinstance(value, memoryview) else value


def test_nulls():
    compare(NullableColumns, NullableColumns.objects.create().pk)


def test_deep_json_spoils_nothing(django_assert_num_queries):
    deep = []
    for _ in range(20 if connection.vendor == "mysql" else 300):  # MariaDB takes 32 levels
        deep = [deep]
    compare(Columns, Columns.objects.create(email="a@b.c", document=deep).pk)


@pytest.fixture
def zone(request):
    """A database whose times are not in UTC."""
    connection.settings_dict["TIME_ZONE"] = request.param
    forget()
    yield request.param
    connection.settings_dict["TIME_ZONE"] = None
    forget()


def forget():
    for name in ("timezone", "timezone_name"):
        connections["default"].__dict__.pop(name, None)
    connection.close()
    for cached in (rows._rows_of, rows._existence_of, codec.row_codec_of, lookup.lookup_columns, lookup._pointer_entry):
        cached.cache_clear()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"], indirect=True)
def test_a_database_with_a_time_zone_of_its_own(zone, django_assert_num_queries):
    begins = datetime.datetime(2024, 2, 29, 23, 30, tzinfo=datetime.UTC)
    Slot.objects.create(begins=begins, day="2024-02-29", address="::1")
    compare(Slot, begins)
    assert str(Slot.objects.get_one(begins).begins.tzinfo) == zone
    with django_assert_num_queries(0):
        assert Slot.objects.get_one("2024-03-01T08:30+09:00").begins == begins
    NullableColumns.objects.create(moment=None)
    compare(NullableColumns, NullableColumns.objects.get().pk)


@pytest.fixture
def naive(settings):
    settings.USE_TZ = False
    forget()
    yield
    settings.USE_TZ = True
    forget()


def test_times_without_zones(naive, django_assert_num_queries):
    begins = datetime.datetime(2024, 2, 29, 12)  # noqa: DTZ001
    Slot.objects.create(begins=begins, day="2024-02-29", address="::1")
    compare(Slot, begins)
    with django_assert_num_queries(0):
        assert Slot.objects.get_one("2024-02-29T12:00").begins == begins


def test_entries_of_naive_and_aware_times_are_not_mixed(settings):
    settings.USE_TZ = False
    forget()
    naive = rows_of(Slot).codec.entry.prefix
    settings.USE_TZ = True
    forget()
    assert rows_of(Slot).codec.entry.prefix != naive


def test_a_naive_time_is_in_the_project_s_zone():
    with timezone.override("Asia/Tokyo"), warnings.catch_warnings():  # the default zone counts, as in Django
        warnings.simplefilter("ignore")
        begins = timezone.make_aware(datetime.datetime(2024, 2, 29, 6), timezone.get_default_timezone())  # noqa: DTZ001
        Slot.objects.create(begins="2024-02-29T06:00", day="2024-02-29", address="::1")
        for _ in range(2):
            assert Slot.objects.get_one("2024-02-29T06:00").begins == begins


def test_what_a_driver_gives_in_another_type_is_not_cached(vault, caplog, monkeypatch):
    class Text(str):
        pass

    monkeypatch.setattr(models.CharField, "from_db_value", lambda self, value, *_: Text(value), raising=False)
    found = [Vault.objects.get_one(vault.pk).name for _ in range(2)]
    assert {type(each) for each in found} == {Text}
    assert "cannot be cached: the database gives 'name' as a Text" in caplog.text
