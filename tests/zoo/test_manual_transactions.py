"""set_autocommit(False): commit and rollback by hand, writes outside of atomic(), and reads in old snapshots."""

import contextlib

import pytest
from django.db import connection, transaction

from tests.support.id_set_members import members_among, newest_of
from tests.support.threads import in_another_thread
from tests.zoo.entry_states import state
from tests.zoo.models import Account, Payee, Statement, newest_statements, payees

REPEATABLE_READ = {
    "mysql": "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
}


@contextlib.contextmanager
def manual():
    transaction.set_autocommit(False)
    try:
        yield
    finally:
        connection.rollback()
        transaction.set_autocommit(True)


@pytest.fixture
def account():
    account = Account.objects.create(number="1", owner="old")
    assert owner(account) == "old"
    return account


def owner(account):
    return Account.objects.get_one(account.pk).owner


WRITES = {
    "update_one": lambda account: Account.objects.update_one(account.pk, owner="new"),
    "save": lambda account: Account(pk=account.pk, number="1", owner="new").save(),
    "update": lambda account: Account.objects.filter(pk=account.pk).update(owner="new"),
    "bulk_update": lambda account: Account.objects.bulk_update([Account(pk=account.pk, owner="new")], ["owner"]),
    "in atomic": lambda account: transaction.atomic(savepoint=False)(WRITES["update"])(account),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_commit_by_hand_publishes(account, write):
    with manual():
        WRITES[write](account)
        assert state(account) == "hold"
        assert (owner(account), in_another_thread(lambda: owner(account))) == ("new", "old")
        connection.commit()
        assert state(account) == "absent"
        assert (in_another_thread(lambda: owner(account)), owner(account)) == ("new", "new")
        WRITES[write](account)
        assert state(account) == "hold"
        connection.rollback()
        assert state(account) == "absent"
    assert owner(account) == "new"


@pytest.mark.parametrize("write", WRITES)
def test_a_rollback_by_hand_lifts_at_once(account, write):
    with manual():
        WRITES[write](account)
        connection.rollback()
        assert state(account) == "absent"
        assert owner(account) == in_another_thread(lambda: owner(account)) == "old"


@pytest.mark.skipif(connection.vendor == "postgresql", reason="psycopg refuses it inside a transaction")
def test_autocommit_that_is_switched_on_commits(account):
    with manual():
        WRITES["update"](account)
        transaction.set_autocommit(True)
        assert state(account) == "absent"
        assert owner(account) == in_another_thread(lambda: owner(account)) == "new"


def test_a_connection_that_is_closed_has_rolled_back(account):
    transaction.set_autocommit(False)
    WRITES["update"](account)
    connection.close()
    assert state(account) == "absent"
    transaction.set_autocommit(True)
    assert owner(account) == in_another_thread(lambda: owner(account)) == "old"


def test_redis_goes_before_the_commit_by_hand(account, own_redis):
    assert owner(account) == "old"
    with manual():
        WRITES["update"](account)
        own_redis.kill()
        connection.commit()
        own_redis.start()
        for _ in range(20):
            assert owner(account) == in_another_thread(lambda: owner(account)) == "new"


@pytest.mark.skipif(connection.vendor == "sqlite", reason="no read of SQLite is in a transaction without autocommit")
def test_an_old_snapshot_fills_nothing(account):
    with connection.cursor() as cursor:
        cursor.execute(REPEATABLE_READ[connection.vendor])
    try:
        with manual():
            Account.objects.count()
            in_another_thread(lambda: Account.objects.update_one(account.pk, owner="new"))
            assert owner(account) == "old"  # of this snapshot
            assert state(account) == "absent"
            assert in_another_thread(lambda: owner(account)) == "new"
    finally:
        connection.close()
    assert owner(account) == "new"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases read an iterator() to its end, or apart")
def test_an_open_iterator_of_sqlite_is_an_old_snapshot(account):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
    Account.objects.bulk_create(Account(number=f"n{number}") for number in range(5_000))
    accounts = Account.objects.iterator(chunk_size=100)
    next(accounts)
    in_another_thread(lambda: Account.objects.update_one(account.pk, owner="new"))
    assert owner(account) == "old"
    assert state(account) == "absent"
    assert sum(1 for _ in accounts) == 5_000
    assert owner(account) == in_another_thread(lambda: owner(account)) == "new"
    assert state(account) == "value"


def test_a_savepoint_that_commits():
    """Without autocommit, SQLite commits where an outermost savepoint ends; a rollback afterwards undoes nothing."""
    Payee.objects.create(account=7, payee=1)
    members_among(payees, 7, [1])
    with manual():
        with transaction.atomic():
            Payee.objects.create(account=7, payee=2)
        connection.rollback()
    stored = Payee.objects.filter(account=7, payee=2).exists()
    assert stored == (connection.vendor == "sqlite")
    assert members_among(payees, 7, [1, 2]) == {1: True, 2: stored}


def test_a_set_and_a_list_in_manual_transactions():
    Payee.objects.create(account=7, payee=1)
    assert members_among(payees, 7, [1, 2]) == {1: True, 2: False}
    with manual():
        Payee.objects.create(account=7, payee=2)
        Statement.objects.create(account=7)
        connection.rollback()
        assert members_among(payees, 7, [1, 2]) == {1: True, 2: False}
        Payee.objects.create(account=7, payee=2)
        statement = Statement.objects.create(account=7)
        connection.commit()
        assert in_another_thread(lambda: members_among(payees, 7, [1, 2])) == {1: True, 2: True}
        assert (
            newest_of(newest_statements, 7)
            == in_another_thread(lambda: newest_of(newest_statements, 7))
            == [statement.pk]
        )
