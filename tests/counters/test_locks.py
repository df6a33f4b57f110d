"""Who waits for whom, step by step, where the database locks rows; SQLite lets one writer in at a time anyway."""

import pytest
from django.db import connection, transaction

from counters import reconcile, rollup
from counters.models import Counter, Delta
from tests.caching.own_redis import until
from tests.caching.threads import Task, elsewhere
from tests.counters.test_values import counts, truth, vote
from tests.shelf.models import Vote

pytestmark = pytest.mark.services


def somebody_waits():
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
        until(somebody_waits)
    other.result()
    assert counts(book) == truth(book)
    assert counts(book)["votes"] == 1


def test_two_reconciliations_mend_once(book, monkeypatch):
    Delta.objects.create(kind="book", target_id=book.pk, name="votes", amount=5)
    insert, others = reconcile.deltas.insert, []

    def slow(using, rows):
        monkeypatch.setattr(reconcile.deltas, "insert", insert)
        others.append(Task(lambda: reconcile.run_one("book", book.pk)))
        until(lambda: somebody_waits() or not others[0].is_alive())
        insert(using, rows)

    monkeypatch.setattr(reconcile.deltas, "insert", slow)
    assert len(reconcile.run_one("book", book.pk).drifts) == 1
    assert others[0].result().drifts == []


def test_a_roll_up_leaves_to_another_what_that_has_taken(book, voters):
    vote(voters[0], book)
    with transaction.atomic():
        taken = Delta.objects.select_for_update().order_by("pk")[:2]
        assert len(taken) == 2
        assert elsewhere(rollup.roll_up_all) == 3
    assert rollup.roll_up_all() == 2
    assert counts(book) == truth(book)


def test_a_writer_waits_neither_for_a_roll_up_nor_for_another_writer(book, voters):
    """The author and the book are shared; the counters of both are being folded."""
    vote(voters[0], book)
    rollup.roll_up_all()
    vote(voters[1], book)
    with transaction.atomic():
        assert len(Delta.objects.select_for_update()) == 5
        assert len(Counter.objects.select_for_update()) == 5
        vote(voters[2], book)
        elsewhere(lambda: vote(voters[3], book))  # fails after the 5 s that a lock is waited for
    assert counts(book) == truth(book)


def test_a_roll_up_waits_for_no_writer(book, voters):
    """Deltas that are not committed yet lie between those that are folded, and are of the same counters."""
    vote(voters[0], book)
    with transaction.atomic():
        vote(voters[1], book)
        elsewhere(lambda: vote(voters[2], book))
        assert elsewhere(rollup.roll_up_all) == 10  # fails after the 5 s that a lock is waited for
    assert rollup.roll_up_all() == 5
    assert counts(book) == truth(book)
