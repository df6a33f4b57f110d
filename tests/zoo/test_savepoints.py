"""Savepoints that are rolled back by hand, by SQL, or with their atomic() block."""

import contextlib

import pytest
from django.db import connection, transaction

from caching.api import Batch
from caching.models import PendingInvalidation
from caching.testutils import redis_usage
from tests.support.id_set_members import members_among
from tests.support.threads import in_another_thread
from tests.zoo.entry_states import state, state_of_key
from tests.zoo.models import Account, Payee, payees
from tests.zoo.savepoints import savepoint_by_hand

OWNER = 7


@contextlib.contextmanager
def by_hand():
    savepoint = savepoint_by_hand()
    yield
    transaction.savepoint_rollback(savepoint)


@contextlib.contextmanager
def by_sql():
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT mine")
        yield
        cursor.execute("rollback to savepoint mine")


@contextlib.contextmanager
def by_atomic():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(params=[by_hand, by_sql, by_atomic])
def undone(request):
    return request.param


def members():
    return members_among(payees, OWNER, [1, 2, 3])


def loaded_set():
    Payee.objects.create(account=OWNER, payee=1)
    assert members() == {1: True, 2: False, 3: False}


def test_a_set_does_not_say_yes_for_an_edge_that_was_rolled_back(undone):
    loaded_set()
    with transaction.atomic():
        Payee.objects.create(account=OWNER, payee=2)
        with undone():
            Payee.objects.create(account=OWNER, payee=3)
            Payee.objects.filter(account=OWNER, payee=1).delete()
    assert members() == in_another_thread(members) == {1: True, 2: True, 3: False}


def test_a_set_stays_loaded_if_nothing_was_rolled_back(undone):
    loaded_set()
    with transaction.atomic(), transaction.atomic():
        Payee.objects.create(account=OWNER, payee=2)
    assert state_of_key(payees.state_key(OWNER)) == "value"
    assert members() == {1: True, 2: True, 3: False}


def test_what_is_pending_is_recorded_again(undone, own_redis):
    account = Account.objects.create(number="1", owner="old")
    assert Account.objects.get_one(account.pk).owner == "old"
    own_redis.kill()
    with transaction.atomic():
        with undone():
            Account.objects.update_one(account.pk, owner="undone")
        Account.objects.update_one(account.pk, owner="new")
    assert PendingInvalidation.objects.count() > 0
    own_redis.start()
    assert state(account) == "value"  # the old one, which nobody may read
    for _ in range(20):
        assert Account.objects.get_one(account.pk).owner == "new"


def test_a_transaction_goes_on_reading_its_own_writes(undone, own_redis):
    account = Account.objects.create(number="1", owner="old")
    Account.objects.get_one(account.pk)
    with transaction.atomic():
        Account.objects.update_one(account.pk, owner="new")
        with undone():
            Account.objects.update_one(account.pk, owner="undone")
        assert Account.objects.get_one(account.pk).owner == "new"
        assert in_another_thread(lambda: Account.objects.get_one(account.pk).owner) == "old"
        assert state(account) == "hold"
    assert Account.objects.get_one(account.pk).owner == "new"


def test_a_read_that_joined_the_commit_is_right(undone):
    account, batch = Account.objects.create(number="1", owner="old"), Batch()
    rows = batch.rows(Account, [account.pk])
    with transaction.atomic():
        Account.objects.update_one(account.pk, owner="new")
        batch.join_commit("default")
        with undone():
            Account.objects.update_one(account.pk, owner="undone")
    batch.run()
    assert rows.instance(account.pk).owner == "new"


def test_commands_that_joined_before_a_savepoint_are_told(undone):
    account, batch = Account.objects.create(number="1", owner="old"), Batch()
    other = Account.objects.create(number="2", owner="other")
    assert Account.objects.get_one(other.pk).owner == "other"
    rows = batch.rows(Account, [other.pk])
    with transaction.atomic():
        Account.objects.update_one(account.pk, owner="new")
        batch.join_commit("default")
        with undone():
            Account.objects.update_one(account.pk, owner="undone")
    with redis_usage() as usage:
        batch.run()
    assert (usage.round_trips, rows.instance(other.pk).owner) == (0, "other")


def test_commands_that_joined_after_a_savepoint_by_hand_are_not_told():
    account, batch = Account.objects.create(number="1", owner="old"), Batch()
    rows = batch.rows(Account, [account.pk])
    with transaction.atomic():
        Account.objects.update_one(account.pk, owner="new")
        with by_hand():
            batch.join_commit("default")
    with redis_usage() as usage:
        batch.run()
    assert (usage.round_trips, rows.instance(account.pk).owner) == (3, "new")
