"""Which transaction waits for which, on a database that locks rows; SQLite has one writer at a time."""

import pytest
from django.db import connection, transaction

from counters import reconcile, rollup
from counters.models import Counter, Delta
from tests.counters.votes import counts, truth, vote
from tests.support.polling import wait_until
from tests.support.threads import Task, in_another_thread
from tests.testapp.models import Vote

pytestmark = pytest.mark.services


def a_transaction_waits():
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
        return int(cursor.fetchone()[1]) > 0


def test_two_who_delete_one_row_take_it_away_once(book, voters):
    first = vote(voters[0], book)
    second = Vote.objects.get(pk=first.pk)
    vote(voters[1], book)
    with transaction.atomic():
        first.delete()
        other = Task(second.delete)
        wait_until(a_transaction_waits)
    other.result()
    assert counts(book) == truth(book)
    assert counts(book)["votes"] == 1


def test_two_reconciliations_mend_once(book, monkeypatch):
    Delta.objects.create(kind="book", target_id=book.pk, name="votes", amount=5)
    insert, others = reconcile.deltas.insert, []

    def slow(using, rows):
        monkeypatch.setattr(reconcile.deltas, "insert", insert)
        others.append(Task(lambda: reconcile.run_one("book", book.pk)))
        wait_until(lambda: a_transaction_waits() or not others[0].is_alive())
        insert(using, rows)

    monkeypatch.setattr(reconcile.deltas, "insert", slow)
    assert len(reconcile.run_one("book", book.pk).drifts) == 1
    assert others[0].result().drifts == []


def test_a_roll_up_leaves_to_another_what_that_has_taken(book, voters):
    vote(voters[0], book)
    with transaction.atomic():
        taken = Delta.objects.select_for_update().order_by("pk")[:2]
        assert len(taken) == 2
        assert in_another_thread(rollup.roll_up_all) == 3
    assert rollup.roll_up_all() == 2
    assert counts(book) == truth(book)


def test_a_writer_waits_neither_for_a_roll_up_nor_for_another_writer(book, voters):
    """The writers have an author and a book in common, whose counters are being folded."""
    vote(voters[0], book)
    rollup.roll_up_all()
    vote(voters[1], book)
    with transaction.atomic():
        assert len(Delta.objects.select_for_update()) == 5
        assert len(Counter.objects.select_for_update()) == 5
        vote(voters[2], book)
        in_another_thread(lambda: vote(voters[3], book))  # would fail after the lock wait timeout of 5 s
    assert counts(book) == truth(book)


def test_a_roll_up_waits_for_no_writer(book, voters):
    """Uncommitted deltas of the same counters lie between the deltas that are folded."""
    vote(voters[0], book)
    with transaction.atomic():
        vote(voters[1], book)
        in_another_thread(lambda: vote(voters[2], book))
        assert in_another_thread(rollup.roll_up_all) == 10  # would fail after the lock wait timeout of 5 s
    assert rollup.roll_up_all() == 5
    assert counts(book) == truth(book)
