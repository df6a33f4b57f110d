"""Commits that take effect long after their holds are past, because storage stalls, or their client waits.

The writers are processes that are stopped, give up or are killed; the readers must never leave an older value in Redis.
"""

import contextlib
import os
import signal
import time
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from caching.api import Batch
from caching.connections import undecided
from caching.protocol import steps
from tests.support.id_set_members import members_among
from tests.support.polling import wait_until
from tests.support.threads import Task, in_another_thread
from tests.zoo.entry_states import state, state_of_key
from tests.zoo.models import Account, Payee, newest_accounts, payees
from tests.zoo.processes import Process, say

ENGINE = os.environ["ZOO_DB"]
HOLD_MS = 150
LONGER_S = HOLD_MS / 1000 + 0.25
OWNER, BRANCH = 7, 9


def owner() -> str:
    return str(Account.objects.get_one(number="1").owner)


def owner_in_row() -> str:
    return str(Account.objects.get_one_cols(Account.objects.get(number="1").pk, "owner")["owner"])


def rename() -> None:
    Account.objects.update_one(Account.objects.get(number="1").pk, owner="new")


def paid() -> bool:
    return members_among(payees, OWNER, [1, 2])[2]


def pay() -> None:
    Payee.objects.create(account=OWNER, payee=2)


def unpaid() -> bool:
    return not members_among(payees, OWNER, [1, 2])[1]


def stop_paying() -> None:
    Payee.objects.get(account=OWNER, payee=1).delete()


def newest() -> list[str]:
    batch = Batch()
    listed = batch.add(newest_accounts.of(BRANCH))
    batch.run()
    return sorted(Account.objects.filter(pk__in=listed.result).values_list("number", flat=True))


def open_account() -> None:
    Account.objects.create(number="new", branch=BRANCH)


def close_account() -> None:
    Account.objects.filter(number="1").delete()


def there() -> bool:
    return bool(Account.objects.get_some([_pks["1"]]).results)


_pks: dict[str, int] = {}
CHANGES: dict[str, tuple[Any, Any, Any, Any]] = {
    "a row": (rename, owner_in_row, "old", "new"),
    "a lookup": (rename, owner, "old", "new"),
    "a deleted row": (close_account, there, True, False),
    "a set": (pay, paid, False, True),
    "a removal from a set": (stop_paying, unpaid, False, True),
    "a list": (open_account, newest, [], ["new"]),
}


def write(change: str, *stops: str) -> None:
    """Write in another process, which stops itself at some steps of its write, and dies at "die"."""
    override_settings(CACHING={**settings.CACHING, "HOLD_MS": HOLD_MS}).enable()
    connection.ensure_connection()
    for stop in stops:
        owner_of, name, after = {
            "held": (steps, "hold", True),
            "written": (connection, "_commit", False),
            "die": (connection, "_commit", True),
        }[stop]
        real = getattr(owner_of, name)

        def step(*args: Any, _real: Any = real, _stop: str = stop, _after: bool = after, **options: Any) -> Any:
            result = _real(*args, **options) if _after else None
            if _stop == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            say(_stop)
            input()
            return result if _after else _real(*args, **options)

        setattr(owner_of, name, step)
    try:
        CHANGES[change][0]()
    except DatabaseError as error:
        say(type(error).__name__)
        input()
    else:
        say("done")


# All of them, and all combinations, by LONG=1.
SOME = CHANGES if os.environ.get("LONG") else ["a row", "a set"]
ENDS = ["go on", "die after the commit"] if os.environ.get("LONG") else ["die after the commit"]


@pytest.fixture(params=SOME)
def change(request):
    account = Account.objects.create(number="1", owner="old")
    _pks["1"] = account.pk
    Payee.objects.create(account=OWNER, payee=1)
    _, read, old, _ = CHANGES[request.param]
    assert read() == old
    return request.param


def read_for(seconds, read, expected):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert read() == in_another_thread(read) == expected
        time.sleep(0.02)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("stop", ["held", "written"])
def test_a_writer_that_is_stopped_for_longer_than_a_hold(change, stop, end):
    _, read, old, new = CHANGES[change]
    with Process("tests.zoo.test_undecided_commits:write", change, stop, *(["die"] if "die" in end else [])) as writer:
        assert writer.line() == stop
        read_for(LONGER_S, read, old)
        writer.tell("go")
        while stop == "held" and writer.line() == stop:  # the hold of an inserted key, and that before the commit
            writer.tell("go")
        wait_until(lambda: read() == new)
        read_for(LONGER_S, read, new)


@contextlib.contextmanager
def commits_stall():
    if ENGINE == "mariadb":
        with connection.cursor() as cursor:
            cursor.execute("BACKUP STAGE START")
            cursor.execute("BACKUP STAGE BLOCK_COMMIT")
            try:
                yield
            finally:
                cursor.execute("BACKUP STAGE END")
    else:
        with connection.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET synchronous_standby_names TO 'nobody'")
            cursor.execute("SELECT pg_reload_conf()")
            try:
                yield
            finally:
                cursor.execute("ALTER SYSTEM RESET synchronous_standby_names")
                cursor.execute("SELECT pg_reload_conf()")


def is_committing():
    query = {
        "mariadb": "SELECT 1 FROM information_schema.processlist WHERE info = 'COMMIT'",
        "postgresql": "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
    }[ENGINE]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone() is not None


def write_durably(change: str) -> None:
    if ENGINE == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO on")
    write(change)


def write_and_give_up(change: str) -> None:
    settings.DATABASES["default"].setdefault("OPTIONS", {})["read_timeout"] = 1
    connection.settings_dict["OPTIONS"]["read_timeout"] = 1
    write(change)


@pytest.mark.skipif(ENGINE == "sqlite", reason="a process that is killed takes its commit along")
def test_a_client_is_killed_while_its_commit_stalls(change):
    _, read, old, new = CHANGES[change]
    with commits_stall(), Process("tests.zoo.test_undecided_commits:write_durably", change) as writer:
        wait_until(is_committing)
        writer.kill()
        read_for(LONGER_S, read, old)
    wait_until(lambda: not is_committing())
    wait_until(lambda: read() == new)
    read_for(LONGER_S, read, new)


@pytest.mark.skipif(ENGINE != "mariadb", reason="psycopg has no time limit for an answer")
def test_a_client_gives_up_while_its_commit_stalls(change):
    """MariaDB looks every second whether the client of a commit that waits is still there, and rolls back if not."""
    _, read, old, new = CHANGES[change]
    with Process("tests.zoo.test_undecided_commits:write_and_give_up", change) as writer:
        with commits_stall():
            wait_until(is_committing)
            assert writer.line() == "OperationalError"
            read_for(LONGER_S, read, old)
        wait_until(lambda: not is_committing())
        with override_settings(CACHING={**settings.CACHING, "ENABLED": False}):
            decided = read()
        assert decided in (old, new)
        wait_until(lambda: read() == decided)
        read_for(LONGER_S, read, decided)


@pytest.fixture
def account(settings):
    settings.CACHING = {**settings.CACHING, "HOLD_MS": 50}
    account = Account.objects.create(number="1", owner="old")
    assert owner_of(account) == "old"
    return account


def owner_of(account):
    return Account.objects.get_one(account.pk).owner


def test_a_transaction_that_is_longer_than_a_hold(account):
    with transaction.atomic():
        Account.objects.update_one(account.pk, owner="new")
        time.sleep(0.06)
        assert in_another_thread(lambda: owner_of(account)) == "old"
        assert state(account) == "hold"
    assert state(account) == "absent"
    assert owner_of(account) == in_another_thread(lambda: owner_of(account)) == "new"


def test_a_rollback_of_unknown_outcome_is_settled_by_a_reader(account, monkeypatch):
    """The connection broke at the COMMIT, which the server never got."""

    def broken():
        connection.connection.rollback()
        raise DatabaseError("lost")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "_commit", broken)
        with pytest.raises(DatabaseError, match="lost"):
            Account.objects.update_one(account.pk, owner="new")
    assert state(account) == "hold"
    wait_until(lambda: owner_of(account) == "old" and state(account) == "value")


def test_one_thread_asks_while_others_read_the_database(account, monkeypatch):
    Account.objects.get_one(account.pk)
    key = "zoo-question"
    calls = []

    def slow(using):
        calls.append(using)
        time.sleep(0.2)
        return real(using)

    real = undecided._another_connection
    monkeypatch.setattr(undecided, "_another_connection", slow)
    question = undecided.Question(lambda: Account.objects.get(pk=account.pk), 1)
    task = Task(lambda: undecided.decided("default", {key: question}))
    wait_until(lambda: calls)
    assert undecided.decided("default", {key: question}) == []
    assert task.result() == [key]


def test_a_set_s_state_is_taken_over_too(account):
    Payee.objects.create(account=OWNER, payee=1)
    assert members_among(payees, OWNER, [1, 2]) == {1: True, 2: False}
    steps.hold([], steps.new_token(), kept=[payees.state_key(OWNER)])
    time.sleep(0.06)
    assert members_among(payees, OWNER, [1, 2]) == {1: True, 2: False}
    assert state_of_key(payees.state_key(OWNER)) == "value"
