"""The MySQL backend: its round trips."""

import time

import pytest
from django.db import OperationalError, connection, connections, models, transaction

from config.mysql import schema
from tests.support.polling import wait_until
from tests.support.threads import Task, in_another_thread
from users.models import User

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


def round_trips():
    """Return the number of statements of this connection so far, including this query."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Questions'")
        return int(cursor.fetchone()[1])


def test_a_transaction_is_two_round_trips_more_than_its_statements():
    before = round_trips()
    with transaction.atomic():
        User.objects.filter(pk=1).exists()
        with transaction.atomic(savepoint=False):
            User.objects.filter(pk=2).exists()
    assert round_trips() - before == 2 + 2 + 1


def test_it_is_a_transaction():
    people = User.objects.filter(username="ghost")
    with transaction.atomic():
        User.objects.create(username="ghost")
        assert not in_another_thread(people.exists)
        transaction.set_rollback(True)
    assert not people.exists()
    with transaction.atomic():
        User.objects.create(username="ghost")
    assert in_another_thread(people.exists)


@pytest.fixture
def checked(monkeypatch):
    """The connection at the start of a request, which is to be checked before its use."""
    wrapper = connections["default"]
    round_trips()
    monkeypatch.setattr(wrapper, "health_check_enabled", True)
    wrapper.close_if_unusable_or_obsolete()
    return wrapper


@pytest.mark.parametrize(("idle_s", "pings"), [(0, 0), (5, 1)])
def test_a_connection_is_pinged_only_after_a_rest(checked, monkeypatch, idle_s, pings):
    seen = []
    monkeypatch.setattr(checked, "is_usable", lambda: seen.append(True) or True)
    monkeypatch.setattr(checked, "_used_at", time.monotonic() - idle_s)
    round_trips()
    round_trips()
    assert len(seen) == pings


def test_a_connection_that_is_gone_is_replaced_after_a_rest(checked):
    gone = checked.connection.thread_id()
    in_another_thread(lambda: connection.cursor().execute(f"KILL {gone}"))
    checked._used_at -= 5
    assert round_trips()
    assert checked.connection.thread_id() != gone


def waits() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@lock_wait_timeout, @@innodb_lock_wait_timeout")
        return dict(zip(("table", "row"), cursor.fetchone(), strict=True))


def test_a_change_of_a_table_gives_way_to_long_transactions(monkeypatch, caplog):
    """Those that come to the table meanwhile wait for no longer than a statement of the change."""
    monkeypatch.setattr(schema, "WAIT_S", 1)
    monkeypatch.setattr(schema, "PAUSE_S", 0.05)
    before = waits()
    index = models.Index(fields=["level"], name="tests_level")
    with transaction.atomic():
        User.objects.exists()
        change = Task(lambda: add_index(index))
        wait_until(lambda: "waits for other transactions (attempt 2" in caplog.text)
        assert in_another_thread(User.objects.exists) is False
    change.result()
    with connection.schema_editor() as editor:
        editor.remove_index(User, index)
    assert waits() == before


def add_index(index):
    with connection.schema_editor() as editor:
        editor.add_index(User, index)


def test_a_change_of_a_table_gives_up_at_last(monkeypatch):
    monkeypatch.setattr(schema, "WAIT_S", 1)
    monkeypatch.setattr(schema, "PAUSE_S", 0)
    monkeypatch.setattr(schema, "ATTEMPTS", 2)
    before = waits()
    with transaction.atomic():
        User.objects.exists()
        with pytest.raises(OperationalError, match="Lock wait timeout"):
            in_another_thread(lambda: add_index(models.Index(fields=["level"], name="tests_level")))
    assert waits() == before
