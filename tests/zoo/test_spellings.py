"""One row has one entry, in whatever spelling its key is asked for; a wrong spelling spoils no other's answer."""

import datetime
import decimal
import enum
import uuid
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.functional import lazystr

from caching.api import Batch, existence_of, redis_client
from tests.zoo.models import (
    City,
    Country,
    Glance,
    Grade,
    Handle,
    Price,
    Sku,
    Slot,
    Upload,
    Wallet,
    glance_seconds,
    glance_seconds_by_price,
    glance_weights,
    glances_of_handle,
    grades_of_price,
    grades_of_upload,
    long_glances_of_handle,
    more_glances_of_handle,
)  # fmt: skip

EQUATES = connection.vendor == "mysql"
"""Whether the database ignores the case of texts, unless it is told otherwise."""


class Code(str, enum.Enum):  # noqa: UP042  of which `str()` is another text
    ANN = "ann"


class Number(enum.IntEnum):
    SEVEN = 7


class Text(str):
    pass


UUID = uuid.UUID("0123abcd-0000-7000-8000-00000000ffff")
NOON = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC)
SPELLINGS = {
    "text": (Sku, {"code": "ann"}, ["ann", Code.ANN, Text("ann"), lazystr("ann")]),
    "digits": (Sku, {"code": "7"}, ["7", 7, Number.SEVEN, decimal.Decimal(7)]),
    "odd text": (Sku, {"code": "a:b {c} * \n\tü%3A"}, ["a:b {c} * \n\tü%3A"]),
    "long text": (Sku, {"code": "ü" * 80}, ["ü" * 80]),
    "binary text": (Handle, {"text": "ann"}, ["ann", Code.ANN]),
    "integer": (Grade, {"number": 7}, [7, "7", " 7 ", 7.0, Number.SEVEN, decimal.Decimal("7.0")]),
    "one": (Grade, {"number": 1}, [1, True, "1"]),
    "uuid": (Upload, {"id": UUID, "path": "/"}, [UUID, str(UUID), str(UUID).upper(), UUID.hex, UUID.int, UUID.urn]),
    "decimal": (Price, {"gross": decimal.Decimal("1.50"), "net": 1}, ["1.5", decimal.Decimal("1.500"), 1.5, "01.50"]),
    "zero": (Price, {"gross": 0, "net": 1}, [0, "-0", decimal.Decimal("-0.00"), "0E+5"]),
    "time": (
        Slot,
        {"begins": NOON, "day": "2024-02-29", "address": "::1"},
        [NOON, NOON.astimezone(ZoneInfo("Asia/Tokyo")), NOON.isoformat(), "2024-02-29T13:00+01:00"],
    ),
}


def keys_of(model):
    return [key.decode() for key in redis_client().scan_iter() if f":{model._meta.label_lower}:".encode() in key]


@pytest.mark.parametrize("case", SPELLINGS)
def test_all_spellings_are_one_entry(case, django_assert_num_queries):
    model, fields, spellings = SPELLINGS[case]
    row = model.objects.create_one(**fields)
    stored = model.objects.get().pk
    for spelling in spellings:
        assert model.objects.get_one(spelling).pk == stored
    with django_assert_num_queries(0):
        for spelling in spellings:
            assert model.objects.get_one(spelling).pk == stored
            assert model.objects.get_some([spelling]).results[0].pk == stored
    assert len(keys_of(model)) == 1
    batch = Batch()
    rows, exist = batch.rows(model, spellings), batch.add(existence_of(model).among(spellings))
    batch.run()
    assert [each.pk for each in rows.instances().results] == exist.result.results == [stored]
    assert {rows.instance(spelling).pk for spelling in spellings} == {stored}
    row.delete()
    for spelling in spellings:
        with pytest.raises(model.DoesNotExist):
            model.objects.get_one(spelling)


@pytest.mark.parametrize("case", SPELLINGS)
def test_a_writer_in_any_spelling_is_heard(case):
    model, fields, spellings = SPELLINGS[case]
    for spelling in spellings:
        if spelling is Code.ANN and EQUATES:
            continue  # MySQLdb writes "Code.ANN"
        with pytest.raises(model.DoesNotExist):
            model.objects.get_one(spelling)
        name = model._meta.pk.name
        model.objects.create(**{**fields, name: spelling})
        assert model.objects.get_one(spelling)
        model(**{name: spelling}).delete()
    with pytest.raises(model.DoesNotExist):
        model.objects.get_one(spellings[0])


@pytest.mark.parametrize(
    ("model", "pk"),
    [
        (Grade, "x"), (Grade, float("nan")), (Grade, float("inf")), (Upload, "x"), (Upload, -1), (Upload, 2**130),
        (Price, "1.005"), (Price, "x"), (Price, decimal.Decimal("NaN")), (Price, decimal.Decimal("Infinity")),
        (Price, 10**12), (Slot, "x"), (Grade, object()),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(model, pk):
    with pytest.raises(ValidationError):
        model.objects.get_one(pk)


@pytest.mark.parametrize("asked", ["ANN", "Änn", "ann ", "a\u0301nn", "ann\0", "\ud800"])
def test_another_spelling_of_a_text_is_what_the_database_says(asked):
    """It never spoils the right one, and is never spoilt itself."""
    for model in (Sku, Handle):
        plain = model(pk="ann")
        with pytest.raises(model.DoesNotExist):
            model.objects.get_one(asked)
        plain.save(force_insert=True)
        for _ in range(2):
            assert answer(model, asked) == truth(model, asked)
            assert answer(model, "ann") == "ann"
        model.objects.filter(pk="ann").delete()
        assert answer(model, "ann") is answer(model, asked) is None
        model.objects.create(pk="ann")
        assert answer(model, asked) == truth(model, asked)


def answer(model, pk):
    found = model.objects.get_some([pk, "other"]).results
    return found[0].pk if found else None


def truth(model, pk):
    if pk == "\ud800" or "\0" in pk:
        return None
    found = model.objects.filter(pk=pk).first()
    return found and found.pk


@pytest.mark.skipif(not EQUATES, reason="the database tells spellings apart")
def test_a_write_in_another_spelling_is_heard():
    Sku.objects.create(code="ann", name="old")
    assert Sku.objects.get_one("ann").name == "old"
    Sku(code="ANN", name="new").save(force_update=True)
    assert Sku.objects.get_one("ann").name == Sku.objects.get_one("ANN").name == "new"
    Sku(code="Ann").delete()
    assert answer(Sku, "ann") is None


def test_many_spellings_in_one_question(django_assert_num_queries):
    Sku.objects.create(code="ann", name="a")
    Sku.objects.create(code="bea", name="b")
    asked = ["ann", "ANN", "bea", "Bea", "cy"]
    found = Sku.objects.get_some(asked)
    expected = ["ann", "ann", "bea", "bea"] if EQUATES else ["ann", "bea"]
    assert [sku.pk for sku in found.results] == expected
    assert found.missing == (["cy"] if EQUATES else ["ANN", "Bea", "cy"])


def test_a_foreign_key_in_another_spelling_is_hydrated():
    Country.objects.create(code="CH", number=41)
    city = City.objects.create(country_id="ch" if EQUATES else "CH", name="Bern")
    city = City.objects.get_one(city.pk)
    City.objects.hydrate([city], "country")
    assert city._state.fields_cache["country"].pk == "CH"


def test_a_foreign_key_to_a_foreign_key_is_the_key_itself(django_user_model, django_assert_num_queries):
    user = django_user_model.objects.create(username="ann")
    user.profile = None
    from tests.zoo.models import Profile

    Profile.objects.create(user=user, nickname="ann")
    Wallet.objects.create(profile_id=user.pk)
    wallets = [Wallet.objects.get_one(str(user.pk)) for _ in range(2)]
    assert wallets[0].profile_id == wallets[1].profile_id == user.pk
    Wallet.objects.hydrate(wallets, "profile")
    with django_assert_num_queries(0):
        assert wallets[1].profile.nickname == "ann"
        assert Wallet.objects.get_one_cols(user.pk, "profile_id") == {"profile_id": user.pk}


BEYOND = [2**15, 2**31, 2**63 - 1, 2**63, 2**64, 2**70, -(2**70), -1, 10**400, -(10**5000), 10**5000]


@pytest.mark.parametrize("number", BEYOND, ids=[f"{n.bit_length()} bits {n > 0}" for n in BEYOND])
def test_a_number_beyond_the_column_is_no_row(number, handle, upload):
    Grade.objects.create(number=1)
    for _ in range(2):
        with pytest.raises(Grade.DoesNotExist):
            Grade.objects.get_one(number)
        assert len(Grade.objects.get_some([number, 1]).results) == 1
        assert existing(Grade, [1, number]) == [1]
        assert ask(grades_of_upload.among(upload.pk, [1, number])) == {1: False, number: False}
        assert ask(grades_of_upload.among(upload.pk, [number])) == {number: False}


def existing(model, pks):
    batch = Batch()
    found = batch.add(existence_of(model).among(pks))
    batch.run()
    return found.result.results


def ask(question):
    batch = Batch()
    batch.add(question)
    batch.run()
    return question.result


@pytest.fixture
def handle():
    return Handle.objects.create(text="a:b")


@pytest.fixture
def upload():
    return Upload.objects.create(path="/x")


@pytest.fixture
def glance(handle, upload):
    price, grade = Price.objects.create(gross="1.50", net=1), Grade.objects.create(number=3)
    return Glance.objects.create(handle=handle, upload=upload, price=price, grade=grade, seconds=20, weight=5)


def test_owners_and_members_have_one_form(glance, handle, upload, django_assert_num_queries):
    expected = [{upload.pk: 20}, {upload.pk: 20}, {upload.pk: 5}, {3: True, 4: False}, {3: True}, [glance.pk]]

    def answers():
        return [
            ask(glance_seconds.of(Text("a:b"), [str(upload.pk).upper()])),
            ask(glance_seconds_by_price.of("1.5", [upload.pk.hex])),
            ask(glance_weights.of("a:b", [upload.pk])),
            ask(grades_of_upload.among(str(upload.pk).upper(), ["3", 4, 3])),
            ask(grades_of_price.among(1.5, [Number(7) - 4])),
            ask(glances_of_handle.of(Text("a:b"))),
        ]

    assert answers() == expected
    with django_assert_num_queries(0):
        assert answers() == expected
    glance.delete()
    assert answers() == [
        {upload.pk: None}, {upload.pk: None}, {upload.pk: None}, {3: False, 4: False}, {3: False}, []
    ]  # fmt: skip


def test_keys_do_not_collide(handle, upload):
    """Two values of one edge, two lists of one owner, and texts with the characters of keys."""
    other = Handle.objects.create(text="a")
    price, price_2 = Price.objects.create(gross=1, net=1), Price.objects.create(gross=2, net=2)
    grades = [Grade.objects.create(number=number) for number in (1, 2)]
    first = Glance.objects.create(handle=handle, upload=upload, price=price, grade=grades[0], seconds=1, weight=2)
    second = Glance.objects.create(handle=other, upload=upload, price=price_2, grade=grades[1], seconds=50, weight=4)
    for _ in range(2):
        assert ask(glance_seconds.of("a:b", [upload.pk])) == {upload.pk: 1}
        assert ask(glance_weights.of("a:b", [upload.pk])) == {upload.pk: 2}
        assert ask(glance_seconds.of("a", [upload.pk])) == {upload.pk: 50}
        assert ask(glances_of_handle.of("a:b")) == ask(more_glances_of_handle.of("a:b")) == [first.pk]
        assert ask(long_glances_of_handle.of("a:b")) == []
        assert ask(long_glances_of_handle.of("a")) == [second.pk]


def test_lists_that_differ_by_their_length_share_an_entry(upload, handle, django_assert_num_queries):
    made = []
    for number in range(1, 9):
        price, grade = Price.objects.create(gross=number, net=number), Grade.objects.create(number=number)
        each = Upload.objects.create(path=f"/{number}")
        made.append(Glance.objects.create(handle=handle, upload=each, price=price, grade=grade).pk)
    newest = made[::-1]
    assert ask(glances_of_handle.of("a:b")) == newest[:3]
    with django_assert_num_queries(0):
        assert ask(more_glances_of_handle.of("a:b")) == newest[:6]
        assert ask(glances_of_handle.of("a:b")) == newest[:3]


def test_nobody_s_entries_are_empty(glance):
    assert ask(glance_seconds.of(None, [UUID])) == {UUID: None}
    assert ask(glances_of_handle.of(None)) == []
    assert ask(grades_of_upload.among(None, [1])) == {1: False}


@pytest.mark.parametrize(
    ("column", "stored", "spellings"),
    [
        ("net", "1.500", ["1.5", decimal.Decimal("1.5000"), 1.5]),
        ("day", "2024-02-29", [datetime.date(2024, 2, 29), "2024-02-29"]),
        ("address", "2001:db8::1", ["2001:DB8:0::1", " 2001:db8::1"]),
    ],
)
def test_a_unique_column_has_one_form(column, stored, spellings, django_assert_num_queries):
    model = Price if column == "net" else Slot
    fields = {"gross": 1} if model is Price else {"begins": NOON, "day": "2000-01-01", "address": "::2"}
    for spelling in spellings:
        with pytest.raises(model.DoesNotExist):
            model.objects.get_one(**{column: spelling})
    model.objects.create(**fields | {column: stored})
    for spelling in spellings:
        assert model.objects.get_one(**{column: spelling})
    with django_assert_num_queries(0):
        for spelling in spellings:
            assert model.objects.get_one(**{column: spelling})


@pytest.mark.parametrize(("number", "rounded"), [("1.0005", ["1.000", "1.001"]), ("2.00149", ["2.001", "2.002"])])
def test_a_decimal_that_the_database_rounds_is_heard(number, rounded):
    """SQLite keeps it as it is."""
    for each in rounded:
        with pytest.raises(Price.DoesNotExist):
            Price.objects.get_one(net=each)
    Price.objects.create(gross=1, net=number)
    for each in rounded:
        stored = Price.objects.filter(net=each).first()
        try:
            assert Price.objects.get_one(net=each) == stored
        except Price.DoesNotExist:
            assert stored is None
