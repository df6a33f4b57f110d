"""Hooks of on_commit(): an application finds its own, and no others."""

import pytest
from django.db import Error, connection, transaction
from django.test import TestCase

from tests.zoo.entry_states import state
from tests.zoo.models import Account, Payee


class CaptureTests(TestCase):
    """Two identical tests: the framework's own work must not be among the captured callbacks of either."""

    def test_once(self) -> None:
        self.write_and_capture()

    def test_again(self) -> None:
        self.write_and_capture()

    def write_and_capture(self) -> None:
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            account = Account.objects.create(number="1", owner="old")
            transaction.on_commit(self.mine)
            Account.objects.update_one(account.pk, owner="new")
            Payee.objects.create(account=1, payee=2)
        assert callbacks == [self.mine]
        assert Account.objects.get_one(account.pk).owner == "new"
        with self.captureOnCommitCallbacks() as callbacks:
            account.delete()
        assert callbacks == []

    def mine(self) -> None:
        pass


@pytest.fixture
def account():
    return Account.objects.create(number="1", owner="old")


def test_a_hook_finds_its_transaction_published(account):
    Account.objects.get_one(account.pk)
    seen = []
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append((state(account), Account.objects.get_one(account.pk).owner)))
        Account.objects.update_one(account.pk, owner="new")
        assert len(connection.run_on_commit) == 1
    assert seen == [("absent", "new")]


def test_a_hook_that_fails_keeps_nothing_from_being_published(account):
    @transaction.atomic
    def write():
        transaction.on_commit(lambda: 1 / 0)
        Account.objects.update_one(account.pk, owner="new")

    with pytest.raises(ZeroDivisionError):
        write()
    assert state(account) == "absent"
    assert Account.objects.get_one(account.pk).owner == "new"


def test_a_rollback_lifts_at_once(account):
    assert Account.objects.get_one(account.pk).owner == "old"
    with transaction.atomic():
        Account.objects.update_one(account.pk, owner="new")
        transaction.set_rollback(True)
    assert state(account) == "absent"


def test_a_connection_that_is_closed_in_a_transaction_lifts_at_once(account):
    with transaction.atomic():
        Account.objects.update_one(account.pk, owner="new")
        connection.close()
        assert state(account) == "absent"
        with pytest.raises((Error, connection.Database.Error)):
            Account(pk=account.pk, number="1", owner="newer").save()
        assert state(account) == "absent"
    assert Account.objects.get_one(account.pk).owner == "old"
