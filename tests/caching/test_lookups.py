"""Behaviour 7: reads by a unique column whose values move from row to row."""

import uuid

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Concat

from caching.entries.lookup import Lookup
from caching.options import Cached
from caching.reading import unique
from caching.redis.client import redis_client
from caching.testutils import redis_usage
from tests.caching.entry_state import expire, lookup_state
from tests.caching.statements import statements
from tests.support.interpose import interpose
from tests.support.threads import in_another_thread
from tests.testapp.models import Author, Book, Novel, Parcel, Penname

OLD, NEW = "ann@example.com", "new@example.com"


def who(email):
    """Return the pk that readers find in this thread and in another, by fill and by hit; None if there is none."""

    def find():
        try:
            return Author.objects.get_one(email=email).pk
        except Author.DoesNotExist:
            return None

    answers = {in_another_thread(find), find(), find()}
    assert len(answers) == 1, answers
    return answers.pop()


def swap(ann, bea):
    """Exchange the emails of two rows: in one UPDATE where the database can, else through a third value."""
    with transaction.atomic():
        Author.objects.filter(pk=ann.pk).update(email="between@example.com")
        Author.objects.filter(pk=bea.pk).update(email=OLD)
        Author.objects.filter(pk=ann.pk).update(email="bea@example.com")


RENAMES = {
    "update_one": lambda ann: Author.objects.update_one(ann.pk, email=NEW),
    "save": lambda ann: save(ann, email=NEW),
    "save of one column": lambda ann: save(ann, ["email"], email=NEW),
    "update": lambda ann: Author.objects.filter(pk=ann.pk).update(email=NEW),
    "update by an expression": lambda ann: Author.objects.filter(pk=ann.pk).update(
        email=Concat(Value("new"), Value("@example.com"))
    ),
    "update by case": lambda ann: Author.objects.update(
        email=Case(When(pk=ann.pk, then=Value(NEW)), default=F("email"))
    ),
    "bulk_update": lambda ann: Author.objects.bulk_update([Author(pk=ann.pk, email=NEW)], ["email"]),
    "update_or_create": lambda ann: Author.objects.update_or_create(pk=ann.pk, defaults={"email": NEW}),
    "proxy": lambda ann: Penname.objects.update_one(ann.pk, email=NEW),
    "instance from the cache": lambda ann: save(Author.objects.get_one(ann.pk), ["email"], email=NEW),
}  # fmt: skip


def save(author, update_fields=None, **changes):
    for name, value in changes.items():
        setattr(author, name, value)
    author.save(update_fields=update_fields)


@pytest.mark.parametrize("rename", RENAMES)
def test_a_changed_value_frees_the_old_and_serves_the_new_at_once(ann, bea, rename):
    assert (who(OLD), who(NEW)) == (ann.pk, None)
    RENAMES[rename](ann)
    assert (who(OLD), who(NEW)) == (None, ann.pk)
    other = Author.objects.create_one(email=OLD)
    assert (who(OLD), who(NEW), who("bea@example.com")) == (other.pk, ann.pk, bea.pk)


@pytest.mark.parametrize("rename", RENAMES)
def test_a_changed_value_shows_with_the_commit_and_not_before(ann, rename):
    assert (who(OLD), who(NEW)) == (ann.pk, None)
    with transaction.atomic():
        RENAMES[rename](ann)
        assert in_another_thread(lambda: (who(OLD), who(NEW))) == (ann.pk, None)
        assert Author.objects.get_one(email=NEW).pk == ann.pk
    assert (who(OLD), who(NEW)) == (None, ann.pk)


def test_a_rename_rolled_back_changes_nothing(ann):
    assert (who(OLD), who(NEW)) == (ann.pk, None)
    with transaction.atomic():
        Author.objects.update_one(ann.pk, email=NEW)
        transaction.set_rollback(True)
    assert (who(OLD), who(NEW)) == (ann.pk, None)


def test_a_swap(ann, bea):
    assert (who(OLD), who("bea@example.com")) == (ann.pk, bea.pk)
    swap(ann, bea)
    assert (who(OLD), who("bea@example.com")) == (bea.pk, ann.pk)
    swap(bea, ann)
    assert (who(OLD), who("bea@example.com")) == (ann.pk, bea.pk)


def test_a_swap_between_the_pointer_and_the_row(ann, bea):
    """The rows exchange their values after the pointer is read and before the row is read."""
    assert (who(OLD), who("bea@example.com")) == (ann.pk, bea.pk)
    with interpose(unique, "read_rows", before=lambda: in_another_thread(lambda: swap(ann, bea))):
        assert Author.objects.get_one(email=OLD).pk == bea.pk


def test_a_value_that_moves_twice_during_one_lookup_is_still_found(ann, bea, monkeypatch):
    """A row has the value at every moment, so a row must be found."""
    assert (who(OLD), who("bea@example.com")) == (ann.pk, bea.pk)

    def away():
        swap(ann, bea)
        redis_client().delete(Lookup(Author, "email").key(OLD))
        assert unique._follow(Lookup(Author, "email"), OLD)[0].pk == bea.pk  # filled by another reader

    moves = [away, lambda: swap(bea, ann)]
    read_rows = unique.read_rows
    monkeypatch.setattr(unique, "read_rows", lambda *asked: (in_another_thread(moves.pop(0)), read_rows(*asked))[1])
    assert Author.objects.get_one(email=OLD).pk == ann.pk
    assert moves == []


def test_a_deleted_row_is_found_no_more_and_its_value_is_free(ann):
    assert who(OLD) == ann.pk
    ann.delete()
    assert who(OLD) is None
    other = Author.objects.create_one(email=OLD)
    assert who(OLD) == other.pk


def test_a_stale_pointer_is_replaced_not_followed_for_ever(ann):
    who(OLD)
    Author.objects.update_one(ann.pk, email=NEW)
    assert who(OLD) is None
    with redis_usage() as usage, statements() as sql:
        for _ in range(2):
            with pytest.raises(Author.DoesNotExist):
                Author.objects.get_one(email=OLD)
    assert (usage.commands, sql) == (2, [])


def test_nobody_has_it_is_remembered_and_ends_with_an_insert():
    for make in (
        lambda email: Author.objects.create_one(email=email),
        lambda email: Author(email=email).save(),
        lambda email: Author.objects.bulk_create([Author(email=email)])[0],
        lambda email: Author.objects.get_or_create(email=email)[0],
    ):
        Author.objects.all().delete()
        assert who(NEW) is None
        assert lookup_state(Author, "email", NEW) == "value"
        make(NEW)
        assert who(NEW) == Author.objects.get().pk


def test_a_row_that_expired_under_its_pointer_is_read_again(ann):
    who(OLD)
    expire(ann)
    assert who(OLD) == ann.pk


def test_a_row_that_cannot_be_found_by_its_pointer_s_value_any_more_after_a_raw_edit(ann):
    """The row's entry stays stale until it expires, and the pointer agrees with the entry."""
    who(OLD)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_author SET email = %s WHERE id = %s", [NEW, ann.pk])
    assert who(OLD) == ann.pk
    expire(ann)
    assert (who(OLD), who(NEW)) == (None, ann.pk)


@pytest.mark.services
def test_where_the_collation_ignores_case_so_does_the_lookup(ann):
    """By MariaDB's default collation "ANN@…" and "ánn@…" are one unique value; each spelling has an entry."""
    for spelling in (OLD, OLD.upper(), "Ánn@example.com", OLD + "  "):
        assert who(spelling) == ann.pk
    spellings = (NEW, NEW.upper(), "NÉW@example.com", NEW + " ")
    assert [who(spelling) for spelling in spellings] == [None] * len(spellings)
    Author.objects.update_one(ann.pk, email="New@Example.com")
    for spelling in spellings:
        assert who(spelling) == ann.pk
    assert who(OLD.upper()) is None
    with pytest.raises(IntegrityError):
        Author.objects.create_one(email="nëw@EXAMPLE.com")
    Author.objects.update_one(ann.pk, email=NEW)
    assert who(NEW) == who("NEW@example.com") == ann.pk


def test_spellings_that_are_different_values_never_answer_for_each_other():
    """SQLite compares bytes; MariaDB does not allow both rows."""
    if connection.vendor != "sqlite":
        return
    lower, upper = Author.objects.create_one(email="a@x.org"), Author.objects.create_one(email="A@x.org")
    for _ in range(2):
        assert (who("a@x.org"), who("A@x.org"), who("á@x.org")) == (lower.pk, upper.pk, None)
    Author.objects.update_one(upper.pk, email="á@x.org")
    assert (who("a@x.org"), who("A@x.org"), who("á@x.org")) == (lower.pk, None, upper.pk)


def test_columns_of_other_types_are_found_too_and_from_the_cache():
    parcel = Parcel.objects.create_one(number=7)
    for asked in ({"code": parcel.code}, {"code": parcel.code.hex}, {"number": 7}, {"number": "7"}):
        assert Parcel.objects.get_one(**asked) == parcel
    with redis_usage() as usage, statements() as sql:
        assert Parcel.objects.get_one(code=parcel.code) == Parcel.objects.get_one(number=7) == parcel
    assert (usage.commands, sql) == (4, [])
    new = uuid.uuid4()
    with pytest.raises(Parcel.DoesNotExist):
        Parcel.objects.get_one(code=new)
    Parcel.objects.create_one(code=new.hex.upper())
    assert Parcel.objects.get_one(code=new).code == new
    with pytest.raises(ValidationError):
        Parcel.objects.get_one(code="no uuid")


def test_none_is_nobody_s_unique_value():
    Parcel.objects.create_one(number=None)
    with pytest.raises(Parcel.DoesNotExist):
        Parcel.objects.get_one(number=None)


@pytest.mark.parametrize("write", ["save", "update", "update_one"])
def test_a_parent_s_value_written_through_its_child(write):
    novel = Novel.objects.create_one(title="Long", isbn="old")
    with pytest.raises(Book.DoesNotExist):
        Book.objects.get_one(isbn="new")
    if write == "update":
        Novel.objects.update(isbn="new")
    elif write == "update_one":
        Novel.objects.update_one(novel.pk, isbn="new")
    else:
        novel.isbn = "new"
        novel.save()
    assert Book.objects.get_one(isbn="new").pk == novel.pk
    with pytest.raises(Book.DoesNotExist):
        Book.objects.get_one(isbn="old")


def test_a_column_that_is_never_cached_cannot_be_looked_up_by():
    with pytest.raises(ImproperlyConfigured, match="'email' cannot be looked up by"):
        Cached(never=("email",), lookups=("email",))


def test_a_lookup_inside_a_transaction_that_moved_the_value(ann, bea):
    assert (who(OLD), who(NEW)) == (ann.pk, None)
    with transaction.atomic():
        Author.objects.update_one(ann.pk, email=NEW)
        Author.objects.update_one(bea.pk, email=OLD)
        assert Author.objects.get_one(email=OLD).pk == bea.pk
        assert Author.objects.get_one(email=NEW).pk == ann.pk
        with pytest.raises(Author.DoesNotExist):
            Author.objects.get_one(email="bea@example.com")
    assert (who(OLD), who(NEW), who("bea@example.com")) == (bea.pk, ann.pk, None)
