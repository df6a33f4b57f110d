"""Behaviours 1 to 4: what other readers see of a transaction, and when."""

import contextlib
import threading
from unittest import mock

import pytest
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.transaction import TransactionManagementError

from caching.entries.rows import row_keys
from caching.writing import transactions
from tests.caching.entry_state import lookup_state, state
from tests.support.threads import LONGEST_S, in_another_thread, in_parallel
from tests.testapp.models import Author, Book


class Undo(Exception):
    pass


@contextlib.contextmanager
def rolled_back():
    with contextlib.suppress(Undo), transaction.atomic():
        yield
        raise Undo


def name_of(author):
    """Return the name that two successive reads in another thread get; the second may hit what the first filled."""
    first, second = (Author.objects.get_one(author.pk).name for _ in range(2))
    assert first == second
    return first


def test_uncommitted_write_is_invisible_to_others_and_visible_once_committed(ann):
    assert name_of(ann) == "Ann"
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        assert in_another_thread(lambda: name_of(ann)) == "Ann"
        assert state(ann) == "hold"  # the reader in the other thread has filled nothing
    assert in_another_thread(lambda: name_of(ann)) == "Anna"
    assert name_of(ann) == "Anna"
    assert state(ann) == "value"


def test_a_transaction_reads_its_own_writes(ann):
    name_of(ann)
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        assert name_of(ann) == "Anna"
        Author.objects.filter(pk=ann.pk).update(name="Anne")
        assert name_of(ann) == "Anne"
        new = Author.objects.create_one(email="new@example.com")
        assert Author.objects.get_one(email="new@example.com") == new
        assert in_another_thread(lambda: Author.objects.get_some([new.pk]).missing) == [new.pk]
    assert in_another_thread(lambda: Author.objects.get_one(new.pk)) == new


def test_a_transaction_takes_hits_and_fills_only_if_it_sees_every_commit(ann, bea):
    name_of(ann)
    with transaction.atomic():
        with connection.execute_wrapper(forbidden):
            assert Author.objects.get_one(ann.pk).name == "Ann"
        assert Author.objects.get_one(bea.pk).name == "Bea"
        assert Author.objects.get_one(email="bea@example.com") == bea
        assert Author.objects.get_some([10**9]).missing == [10**9]
    filled = "absent" if connection.vendor == "sqlite" else "value"  # SQLite has snapshots, MariaDB is READ COMMITTED
    assert state(bea) == filled
    assert lookup_state(Author, "email", "bea@example.com") == filled


def forbidden(execute, sql, params, many, context):
    raise AssertionError(sql)


def test_inner_commit_publishes_nothing_and_the_outer_one_does(ann):
    name_of(ann)
    with transaction.atomic():
        with transaction.atomic():
            Author.objects.update_one(ann.pk, name="Anna")
        assert in_another_thread(lambda: name_of(ann)) == "Ann"
        assert state(ann) == "hold"
    assert in_another_thread(lambda: name_of(ann)) == "Anna"


def test_rollback_restores_the_old_value_everywhere(ann):
    name_of(ann)
    with rolled_back():
        Author.objects.update_one(ann.pk, name="Anna")
    assert name_of(ann) == "Ann"
    assert in_another_thread(lambda: name_of(ann)) == "Ann"
    Author.objects.update_one(ann.pk, name="Anne")
    assert in_another_thread(lambda: name_of(ann)) == "Anne"


def test_rollback_asked_for_without_an_exception(ann):
    name_of(ann)
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        transaction.set_rollback(True)
    assert name_of(ann) == in_another_thread(lambda: name_of(ann)) == "Ann"


def test_what_a_savepoint_rolled_back_is_lifted_with_the_outer_commit(ann, bea):
    name_of(ann)
    with transaction.atomic():
        with rolled_back():
            Author.objects.update_one(ann.pk, name="Anna")
        assert name_of(ann) == in_another_thread(lambda: name_of(ann)) == "Ann"
        Author.objects.update_one(bea.pk, name="Beate")
    assert state(ann) == state(bea) == "absent"
    assert (name_of(ann), name_of(bea)) == ("Ann", "Beate")


def test_a_savepoint_rolled_back_does_not_free_what_was_written_before_it(ann):
    name_of(ann)
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        with rolled_back():
            Author.objects.update_one(ann.pk, name="Anne")
        assert in_another_thread(lambda: name_of(ann)) == "Ann"
        assert state(ann) == "hold"
    assert name_of(ann) == "Anna"


def test_a_write_inside_a_savepoint_only(ann):
    """The commit hook belongs to no savepoint, so the first write may be in a savepoint that is rolled back."""
    with transaction.atomic(), rolled_back():
        Author.objects.update_one(ann.pk, name="Anna")
    assert state(ann) == "absent"


def test_integrity_error_inside_atomic_leaves_the_cache_right(ann, bea):
    name_of(ann), name_of(bea)
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        with pytest.raises(IntegrityError), transaction.atomic():
            Author.objects.create_one(email="ann@example.com")
        Author.objects.update_one(bea.pk, name="Beate")
    assert (name_of(ann), name_of(bea)) == ("Anna", "Beate")
    assert Author.objects.get_one(email="ann@example.com").name == "Anna"


def test_integrity_error_that_breaks_the_whole_transaction(ann):
    name_of(ann)
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        with pytest.raises(IntegrityError):
            Author.objects.create_one(email="ann@example.com")
        with pytest.raises(TransactionManagementError):
            Author.objects.get(pk=ann.pk)
    assert name_of(ann) == in_another_thread(lambda: name_of(ann)) == "Ann"
    Author.objects.update_one(ann.pk, name="Anne")
    assert name_of(ann) == "Anne"


def test_the_application_s_own_hooks_run_after_the_lift(ann):
    """Including hooks registered before the first write, and hooks that write."""
    name_of(ann)
    seen = []

    def rename_again():
        seen.append(name_of(ann))
        Author.objects.update_one(ann.pk, name="Anne")
        seen.append(name_of(ann))

    with transaction.atomic():
        transaction.on_commit(lambda: seen.append((state(ann), name_of(ann), state(ann))))
        Author.objects.update_one(ann.pk, name="Anna")
        transaction.on_commit(rename_again)
    assert seen == [("absent", "Anna", "value"), "Anna", "Anne"]
    assert name_of(ann) == "Anne"


def test_two_transactions_one_after_the_other_have_holds_of_their_own(ann):
    with rolled_back():
        Author.objects.update_one(ann.pk, name="Anna")
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anne")
        assert in_another_thread(lambda: name_of(ann)) == "Ann"
    assert in_another_thread(lambda: name_of(ann)) == "Anne"


REFUSED = {
    "create_one": lambda ann, bea: Author.objects.create_one(pk=10**6, email="ann@example.com"),
    "save": lambda ann, bea: Author(pk=10**6, email="ann@example.com").save(),
    "update_one": lambda ann, bea: Author.objects.update_one(bea.pk, email="ann@example.com"),
    "update": lambda ann, bea: Author.objects.filter(pk=bea.pk).update(email="ann@example.com"),
    "bulk_create": lambda ann, bea: Author.objects.bulk_create([Author(pk=10**6, email="ann@example.com")]),
    "bulk_update": lambda ann, bea: Author.objects.bulk_update([Author(pk=bea.pk, email="ann@example.com")], ["email"]),
    "update_or_create": lambda ann, bea: Author.objects.update_or_create(
        pk=bea.pk, defaults={"email": "ann@example.com"}
    ),
}


@pytest.mark.parametrize("verb", REFUSED)
def test_a_refused_verb_lifts_at_once(ann, bea, verb):
    with pytest.raises(IntegrityError):
        REFUSED[verb](ann, bea)
    assert state(bea) == state(Author(pk=10**6)) == "absent"
    assert lookup_state(Author, "email", "ann@example.com") == "absent"
    assert (name_of(ann), name_of(bea)) == ("Ann", "Bea")


@pytest.mark.parametrize("verb", REFUSED)
def test_a_verb_refused_within_a_transaction_that_goes_on_lifts_nothing(ann, bea, verb):
    name_of(bea)
    with transaction.atomic():
        Author.objects.update_one(bea.pk, name="Beate")
        with pytest.raises(IntegrityError), transaction.atomic():
            REFUSED[verb](ann, bea)
        assert state(bea) == "hold"
        assert in_another_thread(lambda: name_of(bea)) == "Bea"
    assert in_another_thread(lambda: name_of(bea)) == "Beate"


def test_a_commit_that_failed_lifts_nothing(ann):
    """The commit may still take effect: the server may have done it although the connection broke."""
    name_of(ann)
    with (
        mock.patch.object(connection, "_commit", side_effect=DatabaseError("lost")),
        pytest.raises(DatabaseError, match="lost"),
    ):
        Author.objects.update_one(ann.pk, name="Anna")
    assert state(ann) == "hold"
    assert name_of(ann) == "Ann"


def test_a_delete_that_is_refused_lifts_at_once(ann):
    with mock.patch.object(models.sql.DeleteQuery, "delete_batch", side_effect=IntegrityError):
        with pytest.raises(IntegrityError):
            ann.delete()
        assert state(ann) == "absent"
        with pytest.raises(IntegrityError):
            Author.objects.filter(pk=ann.pk).delete()
        assert state(ann) == "absent"


def test_keys_cannot_be_held_outside_of_a_transaction(ann):
    with pytest.raises(TransactionManagementError, match="outside of a transaction"):
        transactions.hold_keys("default", ["x"])


@pytest.mark.services
def test_two_writers_of_one_row_at_once(ann):
    """The second writer waits for the row lock with its hold in place, so the lift of the first leaves the key held."""
    name_of(ann)
    first_wrote, second_held = threading.Event(), threading.Event()
    seen = []

    def first_writer():
        with transaction.atomic():
            Author.objects.filter(pk=ann.pk).update(name="first")
            first_wrote.set()
            assert second_held.wait(LONGEST_S)

    def second_writer():
        with transaction.atomic():
            assert first_wrote.wait(LONGEST_S)
            transactions.hold_keys("default", row_keys(Author, [ann.pk], "default"))
            second_held.set()
            Author.objects.filter(pk=ann.pk).update(name="second")
            seen.append((state(ann), in_another_thread(lambda: name_of(ann)), state(ann)))

    in_parallel(first_writer, second_writer)
    assert seen == [("hold", "first", "hold")]
    assert name_of(ann) == "second"


def test_writes_of_several_models_in_one_transaction(ann):
    book = Book.objects.create_one(title="One", author=ann)
    name_of(ann), Book.objects.get_one(book.pk)
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        Book.objects.update_one(book.pk, title="Two")
        assert in_another_thread(lambda: (name_of(ann), Book.objects.get_one(book.pk).title)) == ("Ann", "One")
    assert in_another_thread(lambda: (name_of(ann), Book.objects.get_one(book.pk).title)) == ("Anna", "Two")
