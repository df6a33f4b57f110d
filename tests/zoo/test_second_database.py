"""A second database, with and without the framework's table."""

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import NotSupportedError, connections, transaction

from caching.models import PendingInvalidation
from caching.redis.breaker import breaker
from tests.support.circuit_breaker import renew
from tests.support.polling import wait_until
from tests.zoo.models import Account, Branch


class ToOther:
    """Branches are in the second database."""

    def db_for_read(self, model, **hints):
        return "other" if model is Branch else None

    db_for_write = db_for_read


class WithoutTable(ToOther):
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return db == "default" or app_label != "caching"


@pytest.fixture
def no_table():
    with connections["other"].schema_editor() as editor:
        editor.delete_model(PendingInvalidation)
    yield
    with connections["other"].schema_editor() as editor:
        editor.create_model(PendingInvalidation)


@pytest.fixture
def routed(settings):
    settings.DATABASE_ROUTERS = [ToOther()]


def test_writes_and_reads_where_there_is_no_table(no_table, routed):
    renew()
    branch = Branch.objects.create(name="old")
    assert Branch.objects.get_one(branch.pk).name == "old"
    assert breaker.is_closed
    Branch.objects.update_one(branch.pk, name="new")
    assert Branch.objects.get_one(branch.pk).name == "new"
    call_command("drain_invalidations", once=True, verbosity=0)


def test_a_write_by_using_where_there_is_no_table(no_table):
    renew()
    account = Account(number="1", owner="old")
    account.save(using="other")
    with transaction.atomic(using="other"):
        Account.objects.using("other").filter(pk=account.pk).update(owner="new")
    assert Account.objects.using("other").get().owner == "new"
    assert breaker.may_read()


def test_a_write_that_nobody_could_be_told_of_is_refused_in_a_sentence(no_table, routed, own_redis):
    branch = Branch.objects.create(name="old")
    own_redis.kill()
    with pytest.raises(NotSupportedError, match=r"'other' has no table to remember it in: run `manage[.]py migrate"):
        Branch.objects.update_one(branch.pk, name="new")
    assert Branch.objects.get(pk=branch.pk).name == "old"
    own_redis.start()
    wait_until(breaker.may_read)
    Branch.objects.update_one(branch.pk, name="new")
    assert Branch.objects.get_one(branch.pk).name == "new"


def test_what_is_pending_in_any_database_is_applied(own_redis, settings):
    """Of tenants for example, whose router names their database in their requests alone."""
    settings.DATABASE_ROUTERS = [ToOther()]
    branch = Branch.objects.create(name="old")
    assert Branch.objects.get_one(branch.pk).name == "old"
    own_redis.kill()
    Branch.objects.update_one(branch.pk, name="new")
    assert PendingInvalidation.objects.using("other").exists()
    settings.DATABASE_ROUTERS = []
    own_redis.start()
    wait_until(breaker.may_read)
    assert not PendingInvalidation.objects.using("other").exists()


def errors():
    return [error for error in run_checks() if error.id == "caching.E050"]


def test_the_check_names_databases_where_the_router_does_not_allow_the_table(settings):
    assert errors() == []
    settings.DATABASE_ROUTERS = [WithoutTable()]
    (error, *_) = [error for error in errors() if error.obj is Branch]
    assert error.msg == (
        "Rows of a cached model are written to the database 'other', where the router does not allow the table "
        "caching_pendinginvalidation: while Redis is away, these writes would fail."
    )
    assert error.hint == "Let allow_migrate() of the router admit the app 'caching', and migrate it to 'other'."


def test_a_pending_key_that_stands_for_many():
    accounts = [Account.objects.create(number=str(number)) for number in range(3)]
    Account.objects.get_some([account.pk for account in accounts])
    from caching.api import redis_client
    from caching.entries.rows import rows_of

    prefix = rows_of(Account).key_prefix()
    assert len(list(redis_client().scan_iter(f"{prefix}*"))) == 3
    PendingInvalidation.objects.create(key=f"{prefix}*")
    call_command("drain_invalidations", once=True, verbosity=0)
    assert (list(redis_client().scan_iter(f"{prefix}*")), PendingInvalidation.objects.count()) == ([], 0)
