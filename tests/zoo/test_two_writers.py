"""Two processes that write at once with Django's own settings: on SQLite nothing is locked where plain Django waits.

A transaction of SQLite that reads first and then writes fails at once if another has written meanwhile. The framework
reads before it writes, in transactions of its own and in those of the application.
"""

import os

import pytest
from django.db import transaction

from tests.zoo.models import Account, Payee, Statement
from tests.zoo.processes import Process, say

ROUNDS = int(os.environ.get("ROUNDS", 12))


def in_verb(account: Account, number: int) -> None:
    Account.objects.update_one(account.pk, balance=number)


def in_save(account: Account, number: int) -> None:
    Account(pk=account.pk, number=account.number, branch=number % 3).save()


def in_save_within_atomic(account: Account, number: int) -> None:
    with transaction.atomic():
        in_save(account, number)


def in_update_within_atomic(account: Account, number: int) -> None:
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(branch=number % 3)


def in_deletion(account: Account, number: int) -> None:
    payee = Payee.objects.create(account=account.pk, payee=number)
    with transaction.atomic():
        payee.delete()
    Account.objects.create(number=f"{account.pk}.{number}").delete()


def in_queryset_deletion(account: Account, number: int) -> None:
    Payee.objects.create(account=account.pk, payee=number)
    with transaction.atomic():
        Payee.objects.filter(account=account.pk).delete()


def in_plain_save_within_atomic(account: Account, number: int) -> None:
    with transaction.atomic():
        statement = Statement.objects.create(account=number % 3)
        statement.account += 1
        statement.save()
    statement.save()


WRITES = [
    in_verb, in_save, in_save_within_atomic, in_update_within_atomic, in_deletion, in_queryset_deletion,
    in_plain_save_within_atomic,
]  # fmt: skip


def write_many(number: str, rounds: str) -> None:
    """Write in every way, many times; say what failed."""
    account = Account.objects.create(number=number)
    say("ready")
    input()
    failed = []
    for each in range(int(rounds)):
        for write in WRITES:
            try:
                write(account, each)
            except Exception as error:
                failed.append(f"{write.__name__}: {error}")
    say(f"{len(failed)} failed {failed[:3]}")


@pytest.mark.skipif(os.environ["ZOO_DB"] != "sqlite", reason="the lock of SQLite")
def test_two_writers_of_sqlite_wait_for_each_other():
    function = "tests.zoo.test_two_writers:write_many"
    with Process(function, "a", ROUNDS) as first, Process(function, "b", ROUNDS) as second:
        assert (first.line(), second.line()) == ("ready", "ready")
        first.tell("go"), second.tell("go")
        assert (first.line(), second.line()) == ("0 failed []", "0 failed []")
