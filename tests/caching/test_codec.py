"""Behaviour 14: the contents of an entry; entries that this code cannot decode are replaced."""

import datetime
import decimal
import uuid

import pytest
from django.db import connection, models, transaction
from django.test.utils import isolate_apps

from caching import registry
from caching.entries.lookup import Lookup
from caching.entries.rows import rows_of
from caching.options import Cached
from caching.orm.models import CachedModel
from caching.protocol.codec import RowCodec, Stale
from caching.redis.client import redis_client
from tests.caching.entry_state import entry, state
from tests.caching.statements import statements
from tests.support.threads import in_another_thread
from tests.testapp.models import Author, Parcel

FULL = {
    "number": 2**53 + 1,
    "weight": decimal.Decimal("-123456789.125"),
    "height": 0.1 + 0.2,
    "is_open": False,
    "sent_at": datetime.datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=datetime.UTC),
    "due": datetime.date(1, 1, 1),
    "hour": datetime.time(23, 59, 59, 1),
    "took": datetime.timedelta(days=40, microseconds=1),
    "seal": bytes(range(256)),
    "labels": {"名": ["Größe", 1, -1.5, None, True, {}], "": []},
    "address": "2001:db8::1",
    "scan": "scans/1.png",
    "link": "https://example.org/?q=漢字",
}
EMPTY = {"seal": b"", "labels": [], "scan": "", "link": ""}


@pytest.mark.parametrize("columns", [FULL, EMPTY], ids=["full", "empty"])
def test_every_kind_of_column_comes_back_as_the_database_gives_it(columns):
    parcel = Parcel.objects.create_one(**columns)
    stored = Parcel.objects.filter(pk=parcel.pk).values().get()
    loaded, hit = (Parcel.objects.get_one_cols(parcel.pk) for _ in range(2))
    assert loaded == hit == stored
    assert [type(value) for value in hit.values()] == [type(value) for value in stored.values()]
    instance = Parcel.objects.get_one(parcel.pk)
    assert [getattr(instance, name) for name in stored] == [getattr(Parcel.objects.get(), name) for name in stored]
    assert {name: hit[name] for name in columns} == columns


def test_numbers_near_their_bounds():
    for number, height in {0: -1.5e-300, 1: 1.7976931348623157e308, 2**63 - 1: 0.1}.items():
        parcel = Parcel.objects.create_one(number=number, height=height)
        for _ in range(2):
            assert Parcel.objects.get_one(parcel.pk).height == height
            assert Parcel.objects.get_one(number=number).pk == parcel.pk


@pytest.mark.one_redis
def test_an_entry_is_data_and_runs_nothing(ann):
    """An entry is MessagePack after a fingerprint; an unpickler refuses its first bytes."""
    Author.objects.get_one(ann.pk)
    assert entry(ann)[:1] == b"V"
    assert b"ann@example.com" in entry(ann)
    assert b"tests.testapp" not in entry(ann)


CORRUPT = {
    "cut off": lambda good: good[:-1],
    "cut in the fingerprint": lambda good: good[:5],
    "one byte": lambda good: b"V",
    "extended": lambda good: good + b"\x00",
    "another fingerprint": lambda good: b"V" + b"x" * 8 + good[9:],
    "a column short": lambda good: good[:9] + b"\x91\x01",
    "of another type": lambda good: good[:9] + b"\x81\xa1a\x01",
    "random": lambda good: uuid.UUID(int=1).bytes,
    "a pickle": lambda good: b"\x80\x04\x95",
    "nothing with a tail": lambda good: b"Nx",
}


@pytest.mark.parametrize("damage", CORRUPT)
def test_a_corrupt_entry_is_a_miss_and_is_replaced(ann, damage):
    Author.objects.get_one(ann.pk)
    good = entry(ann)
    redis_client().set(rows_of(Author).key(ann.pk), CORRUPT[damage](good))
    with statements() as sql:
        assert Author.objects.get_one(ann.pk).name == "Ann"
    assert (sql.about(Author), entry(ann)) == (1, good)
    with statements() as sql:
        assert Author.objects.get_one(ann.pk).name == "Ann"
    assert sql == []


@pytest.mark.parametrize("damage", CORRUPT)
def test_a_corrupt_pointer_is_a_miss_and_is_replaced(ann, damage):
    Author.objects.get_one(email="ann@example.com")
    key = Lookup(Author, "email").key("ann@example.com")
    good = redis_client().get(key)
    redis_client().set(key, CORRUPT[damage](good))
    assert Author.objects.get_one(email="ann@example.com") == ann
    assert redis_client().get(key) == good


def test_a_corrupt_entry_in_a_batch_costs_nobody_else(ann, bea):
    Author.objects.get_some([ann.pk, bea.pk])
    redis_client().set(rows_of(Author).key(ann.pk), b"Vx")
    with statements() as sql:
        assert Author.objects.get_some([bea.pk, ann.pk]).results == [bea, ann]
    assert sql.about(Author) == 1


def test_a_corrupt_entry_inside_a_transaction_is_read_past(ann):
    redis_client().set(rows_of(Author).key(ann.pk), b"Vx")
    with transaction.atomic():
        assert Author.objects.get_one(ann.pk).name == "Ann"
    # SQLite's transactions read an old snapshot, and so replace nothing; those of MariaDB are READ COMMITTED.
    assert (entry(ann) == b"Vx") == (connection.vendor == "sqlite")


@pytest.fixture
def old_code(monkeypatch):
    """The model of the previous release, without the column `born`."""
    monkeypatch.setattr(registry, "_models", list(registry._models))
    monkeypatch.setattr(registry, "_declarations", dict(registry._declarations))
    with isolate_apps("tests.testapp"):

        class OldAuthor(CachedModel):
            name = models.CharField(max_length=100, default="")
            email = models.CharField(max_length=100, unique=True)
            secret = models.CharField(max_length=100, default="")
            visits = models.IntegerField(default=0)
            cached = Cached(ttl_s=600, never=("secret", "visits"), lookups=("email",))

            class Meta(CachedModel.Meta):
                app_label = "testapp"
                db_table = "testapp_author"

        OldAuthor._meta.model_name = "author"  # its label, and so its key, is the same
        OldAuthor._meta.object_name = "Author"
        yield OldAuthor
    registry.heard.cache_clear()


def test_old_and_new_code_never_read_each_other_s_entries(ann, old_code):
    assert rows_of(old_code).key(ann.pk) == rows_of(Author).key(ann.pk)
    entries = []
    for model in (old_code, Author, old_code, Author):
        with statements() as sql:
            assert model.objects.get_one(ann.pk).name == "Ann"
            assert model.objects.get_one(email="ann@example.com").name == "Ann"
        assert sql.about(Author) >= 1
        entries.append(entry(ann))
    assert entries[0] == entries[2] != entries[1] == entries[3]
    for reader, other in ((Author, old_code), (old_code, Author)):
        other.objects.get_one(ann.pk)
        with pytest.raises(Stale):
            rows_of(reader).decode(ann.pk, entry(ann))


@pytest.mark.parametrize("verb", ["update_one", "update", "save"])
def test_a_write_by_either_code_invalidates_both(ann, old_code, verb):
    for writer, reader, name in ((old_code, Author, "by old"), (Author, old_code, "by new")):
        assert reader.objects.get_one(ann.pk)
        if verb == "update_one":
            writer.objects.update_one(ann.pk, name=name)
        elif verb == "update":
            writer.objects.filter(pk=ann.pk).update(name=name)
        else:
            row = writer.objects.get(pk=ann.pk)
            row.name = name
            row.save()
        assert state(ann) == "absent"
        assert (
            reader.objects.get_one(ann.pk).name
            == in_another_thread(lambda w=writer: w.objects.get_one(ann.pk).name)
            == name
        )


def test_an_added_column_is_a_miss_after_deployment(ann, old_code):
    born = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    Author.objects.filter(pk=ann.pk).update(born=born)
    old_code.objects.get_one(ann.pk)
    assert Author.objects.get_one(ann.pk).born == born


def test_the_fingerprint_knows_names_types_and_what_is_never_cached(monkeypatch):
    monkeypatch.setattr(registry, "_models", list(registry._models))
    monkeypatch.setattr(registry, "_declarations", dict(registry._declarations))

    def fingerprint(never=(), **columns):
        meta = type("Meta", (CachedModel.Meta,), {"app_label": "testapp"})
        body = {"__module__": __name__, "Meta": meta, "cached": Cached(never=never), **columns}
        with isolate_apps("tests.testapp"):
            return RowCodec(type("Thing", (CachedModel,), body)).entry.prefix

    prints = [
        fingerprint(a=models.IntegerField()),
        fingerprint(a=models.IntegerField(null=True)),
        fingerprint(a=models.CharField(max_length=9)),
        fingerprint(b=models.IntegerField()),
        fingerprint(a=models.IntegerField(), b=models.IntegerField()),
        fingerprint(b=models.IntegerField(), a=models.IntegerField()),
        fingerprint(never=("b",), a=models.IntegerField(), b=models.TextField(), c=models.TextField()),
    ]
    assert len(set(prints)) == len(prints)
    odd = type("OddField", (models.Field,), {"get_internal_type": lambda self: "Odd"})
    assert fingerprint(a=odd()) == fingerprint()  # a column of an unknown kind is not cached
    registry.heard.cache_clear()


def test_a_row_that_no_entry_can_hold_is_still_read_and_spoils_no_batch():
    """MessagePack has no integer of more than 64 bits."""
    parcel, other = Parcel.objects.create_one(labels={"n": 2**70}), Parcel.objects.create_one()
    for _ in range(2):
        found = Parcel.objects.get_some([parcel.pk, other.pk]).results
        assert [found[0].labels, found[1].labels] == [{"n": 2**70}, {}]
    assert (state(parcel), state(other)) == ("absent", "value")
