"""Reads inside a transaction that has written nothing, as with ATOMIC_REQUESTS: they fill, and recover the cache."""

import pytest
from django.db import connection, transaction

from caching.redis.breaker import breaker
from tests.support.circuit_breaker import renew
from tests.support.polling import wait_until
from tests.support.threads import in_another_thread
from tests.zoo.entry_states import state
from tests.zoo.models import Account

SEES_EVERY_COMMIT = connection.vendor != "sqlite"  # by Django's default isolation, READ COMMITTED
ISOLATION = {
    "mysql": "SET TRANSACTION ISOLATION LEVEL {}",  # of the next transaction
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {}",
}


@pytest.fixture
def account():
    return Account.objects.create(number="1", owner="old")


def owner(account):
    return Account.objects.get_one(account.pk).owner


def fills(account):
    owner(account)
    return state(account) == "value"


def test_a_transaction_that_has_only_read_fills(account):
    with transaction.atomic():
        list(Account.objects.all()), Account.objects.select_for_update().first()
        with transaction.atomic():
            assert fills(account) == SEES_EVERY_COMMIT
            transaction.set_rollback(True)
    assert owner(account) == "old"


@pytest.mark.skipif(not SEES_EVERY_COMMIT, reason="without WAL, a transaction of SQLite that has read keeps others out")
def test_one_that_sees_a_later_commit_fills_that(account):
    with transaction.atomic():
        assert owner(account) == "old"
        in_another_thread(lambda: Account.objects.filter(pk=account.pk).update(owner="new"))
        assert owner(account) == "new"
        assert state(account) == "value"
    assert owner(account) == in_another_thread(lambda: owner(account)) == "new"


def by_orm(cursor, account):
    Account.objects.filter(pk=account.pk).update(balance=1)


def by_sql(cursor, account):
    cursor.execute("UPDATE zoo_account SET balance = 1 WHERE id = %s", [account.pk])


def by_lower_case(cursor, account):
    cursor.execute("  update zoo_account set balance = 1 where id = %s", [account.pk])


def by_many(cursor, account):
    cursor.executemany("UPDATE zoo_account SET balance = %s WHERE id = %s", [(1, account.pk)])


def by_with(cursor, account):
    cursor.execute("WITH one AS (SELECT 1) UPDATE zoo_account SET balance = 1 WHERE id = %s", [account.pk])


def by_function(cursor, account):
    cursor.execute("SELECT nextval('zoo_account_id_seq')")


def by_select_into(cursor, account):
    cursor.execute("SELECT id INTO TEMPORARY TABLE copied FROM zoo_account")


def by_savepoint(cursor, account):
    with transaction.atomic():
        by_orm(cursor, account)
        transaction.set_rollback(True)


WRITES = [by_orm, by_sql, by_lower_case, by_many, by_savepoint]
if connection.vendor == "postgresql":
    WRITES += [by_with, by_function, by_select_into]


@pytest.mark.parametrize("write", WRITES)
def test_one_that_has_written_anything_fills_nothing(account, write):
    other = Account.objects.create(number="2")
    with transaction.atomic():
        with connection.cursor() as cursor:
            write(cursor, other)
        assert not fills(account)
    assert fills(account)
    with transaction.atomic():
        assert Account.objects.get_one(other.pk).pk == other.pk
        assert (state(other) == "value") == SEES_EVERY_COMMIT


@pytest.mark.skipif(not SEES_EVERY_COMMIT, reason="SQLite knows one isolation")
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_one_that_reads_a_snapshot_fills_nothing(account, level):
    try:
        with connection.cursor() as cursor:
            cursor.execute(ISOLATION[connection.vendor].format(level))
        with transaction.atomic():
            assert not fills(account)
        assert fills(account)
    finally:
        connection.close()
    Account.objects.drop_entry(account.pk)
    with transaction.atomic():
        assert fills(account)  # a new connection


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Django sets the isolation of MySQL itself")
def test_an_isolation_that_the_server_sets_by_itself(account):
    with connection.cursor() as cursor:
        cursor.execute("ALTER ROLE postgres SET default_transaction_isolation TO 'repeatable read'")
    connection.close()
    try:
        with transaction.atomic():
            assert not fills(account)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER ROLE postgres RESET default_transaction_isolation")
        connection.close()


def test_the_cache_recovers_although_every_read_is_in_a_transaction(account, own_redis):
    own_redis.kill()
    with transaction.atomic():
        assert owner(account) == "old"
    Account.objects.filter(pk=account.pk).update(owner="new")
    own_redis.start()
    for _ in range(2):  # an outage, and the start of a process

        def recovered():
            with transaction.atomic():
                assert owner(account) == "new"
            return breaker.is_closed

        wait_until(recovered)
        renew()


def test_a_fork_does_not_wait_for_its_parent_s_recovery():
    with breaker._probing:
        breaker.forget_threads()
    renew()
    assert breaker.may_read()
