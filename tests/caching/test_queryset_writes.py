"""Behaviours 6 and 8: every way in which Django writes a cached row invalidates its entries."""

import json
import uuid
from unittest import mock

import pytest
from django.core.management import call_command
from django.db import NotSupportedError, connection, connections, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Upper

from caching.testutils import redis_usage
from tests.caching.entry_state import expire, state
from tests.caching.row_readers import UNKNOWN, Readers
from tests.support.threads import in_another_thread
from tests.testapp.models import Author, Book, Novel, Parcel, Penname, Publisher


@pytest.fixture
def book(ann, bea):
    return Book.objects.create_one(title="One", isbn="1", author=ann, editor=bea)


@pytest.fixture
def novel(ann):
    return Novel.objects.create_one(title="Long", isbn="2", pages=900, author=ann)


@pytest.fixture
def readers(ann, bea, book, novel):
    return Readers(Author, Book, Novel)


WRITES = {
    "update": lambda: Author.objects.filter(name="Ann").update(name="Anna"),
    "update of all": lambda: Author.objects.update(name="Anna"),
    "update by an expression": lambda: Author.objects.update(name=Concat(F("name"), Value("!"))),
    "update by a join": lambda: Book.objects.filter(author__name="Ann").update(title="Two"),
    "update of a foreign key": lambda: Book.objects.update(author=Author.objects.get(name="Bea")),
    "update to null": lambda: Book.objects.update(author=None),
    "save of all columns": lambda: Author(pk=Author.objects.get(name="Ann").pk, name="A", email="a@x.org").save(),
    "save of some columns": lambda: _saved(Author.objects.get(name="Ann"), name="Anna"),
    "save of an expression": lambda: _saved(Author.objects.get(name="Ann"), name=Upper("name")),
    "bulk_update": lambda: Author.objects.bulk_update(_renamed(Author.objects.all()), ["name"], batch_size=1),
    "bulk_create": lambda: Author.objects.bulk_create([Author(email="1@x.org"), Author(email="2@x.org")]),
    "bulk_create by pk": lambda: Author.objects.bulk_create([Author(pk=UNKNOWN - 1, email="1@x.org")]),
    "bulk_create past conflicts": lambda: Author.objects.bulk_create(
        [Author(pk=UNKNOWN - 1, email="ann@example.com"), Author(pk=UNKNOWN - 2, email="2@x.org")],
        ignore_conflicts=True,
    ),
    "create": lambda: Author.objects.create(email="1@x.org"),
    "get_or_create": lambda: Author.objects.get_or_create(email="1@x.org", defaults={"name": "New"}),
    "update_or_create, new": lambda: Author.objects.update_or_create(email="1@x.org", defaults={"name": "New"}),
    "update_or_create, old": lambda: Author.objects.update_or_create(
        email="ann@example.com", defaults={"name": "Anna"}
    ),
    "delete of a row": lambda: Book.objects.get(isbn="1").delete(),
    "delete of a queryset": lambda: Book.objects.filter(title="One").delete(),
    "delete of everything": lambda: Author.objects.all().delete(),
    "delete that sets null": lambda: Author.objects.get(name="Ann").delete(),
    "delete that cascades": lambda: Author.objects.filter(name="Bea").delete(),
    "delete of a row that is not cached itself": lambda: _published(Book.objects.all()).delete(),
    "delete of a queryset that is not cached itself": lambda: Publisher.objects.filter(
        pk=_published(Book.objects.all()).pk
    ).delete(),
    "related add": lambda: Author.objects.get(name="Bea").books.add(*Book.objects.all()),
    "related set": lambda: Author.objects.get(name="Bea").books.set(Book.objects.all()),
    "related clear": lambda: Author.objects.get(name="Ann").books.clear(),
    "related remove": lambda: Author.objects.get(name="Ann").books.remove(*Book.objects.all()),
    "update of a child's own column": lambda: Novel.objects.update(pages=1),
    "update of a parent's column by the child": lambda: Novel.objects.update(title="Longer"),
    "update of parents": lambda: Book.objects.update(title="Longer"),
    "save of a child": lambda: _saved(Novel.objects.get(), title="Longer", pages=1),
    "save of a child's parent": lambda: _saved(Novel.objects.get().book_ptr, title="Longer"),
    "delete of a child": lambda: Novel.objects.get().delete(),
    "delete of a child's row alone": lambda: Novel.objects.get().delete(keep_parents=True),
    "delete of parents": lambda: Book.objects.all().delete(),
    "create of a child": lambda: Novel.objects.create_one(title="Short", pages=10),
    "create of a child for a parent": lambda: Novel(
        book_ptr=Book.objects.get(isbn="1"), title="One", isbn="1", pages=3
    ).save(),
    "write by a proxy": lambda: Penname.objects.update_one(Author.objects.get(name="Ann").pk, name="Nym"),
    "update by a proxy": lambda: Penname.objects.filter(name="Ann").update(name="Nym"),
    "delete by a proxy": lambda: Penname.objects.get(name="Ann").delete(),
    "create by a proxy": lambda: Penname.objects.create(email="nym@example.com"),
}


def _saved(row, **changes):
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()


def _renamed(rows):
    for row in rows:
        row.name += "!"
    return rows


def _published(books):
    publisher = Publisher.objects.create(name="House")
    books.filter(isbn="1").update(publisher=publisher)
    return publisher


@pytest.mark.parametrize("write", WRITES)
def test_entries_follow_every_write(readers, write):
    """Entries of absent rows, too: the keys of future inserts are read before."""
    for model in readers.known:
        newest = model.objects.latest("pk").pk
        readers.expect(model, [newest + 1, newest + 2, UNKNOWN - 1, UNKNOWN - 2])
    assert readers.see_what_is_stored()
    WRITES[write]()
    assert readers.see_what_is_stored()


@pytest.mark.parametrize("write", WRITES)
def test_entries_follow_a_write_inside_a_longer_transaction(readers, write):
    """Other readers read the keys of uncommitted rows."""
    for model in readers.known:
        newest = model.objects.latest("pk").pk
        readers.expect(model, range(newest - 3, newest + 4))
    assert readers.see_what_is_stored()
    with transaction.atomic():
        WRITES[write]()
        in_another_thread(lambda: [model.objects.get_some(pks) for model, pks in readers.known.items()])
    assert readers.see_what_is_stored()


def test_loaddata_invalidates(readers, ann, novel, tmp_path):
    assert readers.see_what_is_stored()
    fixture = tmp_path / "rows.json"
    fixture.write_text(json.dumps([
        {"model": "testapp.author", "pk": ann.pk, "fields": {"name": "Loaded", "email": "l@x.org"}},
        {"model": "testapp.author", "pk": UNKNOWN, "fields": {"name": "New", "email": "n@x.org"}},
        {"model": "testapp.book", "pk": novel.pk, "fields": {"title": "Loaded", "isbn": "2", "author": ann.pk}},
        {"model": "testapp.novel", "pk": novel.pk, "fields": {"pages": 3}},
    ]))  # fmt: skip
    call_command("loaddata", fixture, verbosity=0)
    assert readers.see_what_is_stored()
    assert Author.objects.get_one(UNKNOWN).name == "New"
    assert Novel.objects.get_one(novel.pk).title == "Loaded"


def test_where_the_database_does_not_tell_the_keys_of_a_bulk_insert(ann):
    """MySQL does not return the keys; MariaDB and SQLite do."""
    features = type(connection.features)
    with mock.patch.object(features, "can_return_rows_from_bulk_insert", False):
        Author.objects.get_some([ann.pk + 1, ann.pk + 2])
        made = Author.objects.bulk_create([Author(email="1@x.org"), Author(email="2@x.org")])
    assert [author.pk for author in made] == [ann.pk + 1, ann.pk + 2]
    assert Author.objects.get_some([ann.pk + 1, ann.pk + 2]).results == made


def test_bulk_creates_that_would_touch_unknown_rows_are_refused(ann):
    rows = [Author(email="ann@example.com", name="X")]
    conflicts = {"update_conflicts": True, "update_fields": ["name"], "unique_fields": ["email"]}
    for call in (
        lambda: Author.objects.bulk_create(rows, ignore_conflicts=True),
        lambda: Author.objects.bulk_create(rows, 10, True),
        lambda: Author.objects.bulk_create(rows, **conflicts),
    ):
        with pytest.raises(NotSupportedError, match=r"testapp\.Author is cached"):
            call()
    assert Author.objects.get_one(ann.pk).name == "Ann"


@pytest.mark.one_redis
def test_a_large_update_is_one_and_invalidates_all_rows(monkeypatch):
    monkeypatch.setattr("caching.writing.declarations.CHUNK", 10)
    rows = Author.objects.bulk_create(Author(email=f"{n}@x.org") for n in range(35))
    Author.objects.get_some([row.pk for row in rows])
    with redis_usage() as usage:
        assert Author.objects.filter(email__endswith="x.org").update(name="X") == 35
    assert usage.commands == 2
    assert Readers(Author).see_what_is_stored()
    assert Author.objects.filter(email="none").update(name="Y") == 0


@pytest.mark.one_redis
def test_a_large_delete_is_held_by_one_command():
    rows = Author.objects.bulk_create(Author(email=f"{n}@x.org") for n in range(35))
    Author.objects.get_some([row.pk for row in rows])
    with redis_usage() as usage:
        assert Author.objects.all().delete() == (35, {"testapp.Author": 35})
    assert usage.commands == 2
    assert Author.objects.get_some([row.pk for row in rows]).results == []


def test_proxies_share_the_entry_and_come_back_in_the_class_that_was_asked(ann):
    by_proxy, by_base = Penname.objects.get_one(ann.pk), Author.objects.get_one(ann.pk)
    assert (type(by_proxy), type(by_base)) == (Penname, Author)
    assert type(Penname.objects.get_one(email="ann@example.com")) is Penname
    Penname.objects.update_one(ann.pk, name="Nym", email="nym@example.com")
    assert Author.objects.get_one(ann.pk).name == "Nym"
    assert Author.objects.get_one(email="nym@example.com") == ann
    assert Penname.objects.get_some([ann.pk]).results[0].name == "Nym"


def test_a_negative_child_entry_ends_when_the_parent_becomes_a_child(book):
    assert Novel.objects.get_some([book.pk]).missing == [book.pk]
    Novel(book_ptr=book, title="One", isbn="1", pages=3).save()
    assert Novel.objects.get_one(book.pk).pages == 3


def test_keys_given_as_text_reach_the_same_entry():
    parcel = Parcel.objects.create_one(link="one")
    as_text = parcel.pk.hex.upper()
    assert Parcel.objects.get_one(as_text).link == "one"
    Parcel(id=as_text, code=parcel.code.hex, link="two").save(force_update=True)
    assert Parcel.objects.get_one(parcel.pk).link == "two"
    new = uuid.uuid4()
    assert Parcel.objects.get_some([new]).missing == [new]
    Parcel.objects.bulk_create([Parcel(id=new.hex, link="three")])
    assert Parcel.objects.get_one(new).link == "three"


def test_a_raw_edit_is_stale_for_no_longer_than_the_entry_lives(ann):
    Author.objects.get_one(ann.pk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_author SET name = 'Raw' WHERE id = %s", [ann.pk])
    assert Author.objects.get_one(ann.pk).name == "Ann"
    assert 0 < expire(ann) <= Author.cached.ttl_s * 1000 * 1.1
    assert Author.objects.get_one(ann.pk).name == "Raw"


def test_an_operator_can_drop_an_entry(ann):
    Author.objects.get_one(ann.pk)
    Author.objects.drop_entry(ann.pk)
    assert state(ann) == "absent"
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        Author.objects.drop_entry(ann.pk)
        assert state(ann) == "hold"


class ReadsGoToTheReplica:
    """A router that reads from a replica, which is not a configured database: using it fails."""

    def db_for_read(self, model, **hints):
        return "replica"

    def db_for_write(self, model, **hints):
        return "default"


def test_reads_for_fills_and_all_writes_go_to_the_primary(ann, bea, settings):
    settings.DATABASE_ROUTERS = [ReadsGoToTheReplica()]
    with pytest.raises(connections.exception_class):
        Author.objects.first()
    assert Author.objects.get_one(ann.pk) == Author.objects.get_one(email="ann@example.com") == ann
    Author.objects.all().update(name="X")
    Author.objects.bulk_create([Author(email="1@x.org")])
    Author.objects.bulk_update([ann], ["name"])
    Author.objects.update_or_create(email="1@x.org", defaults={"name": "One"})
    Author.objects.get_or_create(email="2@x.org")
    Author.objects.update_one(bea.pk, name="Y")
    assert Author.objects.get_some_cols([ann.pk, bea.pk], "name").results == [{"name": "Ann"}, {"name": "Y"}]
    Author.objects.filter(pk=ann.pk).delete()
    assert Author.objects.get_some([ann.pk]).missing == [ann.pk]


def test_a_model_with_a_meta_of_its_own_still_cascades_through_the_cached_manager():
    class Plain(Author):
        class Meta:
            app_label = "testapp"
            proxy = True

    assert Plain._meta.base_manager.update
    assert isinstance(Plain._base_manager.none(), type(Author.objects.none()))
    assert isinstance(Plain._base_manager, models.Manager)
