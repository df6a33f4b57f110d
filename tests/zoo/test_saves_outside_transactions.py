"""save() outside of any transaction: of models that are not the framework's, and of fixtures."""

import pytest
from django.core import serializers
from django.db import IntegrityError, transaction
from django.db.models import signals

from caching.models import PendingInvalidation
from tests.support.id_set_members import newest_of
from tests.support.threads import in_another_thread
from tests.zoo.entry_states import state, state_of_key
from tests.zoo.models import Account, Statement, newest_statements

OWNER = 7


@pytest.fixture
def account():
    account = Account.objects.create(number="1", owner="old")
    assert Account.objects.get_one(account.pk).owner == "old"
    return account


def deserialized(account, **changes):
    for name, value in changes.items():
        setattr(account, name, value)
    (found,) = serializers.deserialize("json", serializers.serialize("json", [account]))
    return found


def owner(account):
    return Account.objects.get_one(account.pk).owner


def test_a_deserialized_object_is_saved_like_any_other(account):
    deserialized(account, owner="new").save()
    assert state(account) == "absent"
    assert owner(account) == in_another_thread(lambda: owner(account)) == "new"
    assert Account.objects.get_one(number="1").owner == "new"


def test_it_holds_from_before_its_statement(account):
    seen = []

    def look(**_):
        seen.append((state(account), in_another_thread(lambda: owner(account)), owner(account)))

    signals.pre_save.connect(look, sender=Account)
    try:
        deserialized(account, owner="new").save()
    finally:
        signals.pre_save.disconnect(look, sender=Account)
    assert seen == [("hold", "old", "old")]


def test_transactions_of_other_receivers_do_not_lift_it(account):
    other = Account.objects.create(number="2")
    seen = []

    def write_another(**_):
        with transaction.atomic():
            Account.objects.filter(pk=other.pk).update(owner="new")
        seen.append(state(account))

    signals.pre_save.connect(write_another, sender=Account)
    try:
        deserialized(account, owner="new").save()
    finally:
        signals.pre_save.disconnect(write_another, sender=Account)
    assert seen == ["hold"]
    assert (owner(account), owner(other)) == ("new", "new")


def test_a_refused_save_leaves_the_cache_right(account):
    Account.objects.create(number="2")
    with pytest.raises(IntegrityError):
        deserialized(account, number="2").save()
    assert (owner(account), state(account)) == ("old", "value")
    Account.objects.update_one(account.pk, owner="new")
    assert owner(account) == in_another_thread(lambda: owner(account)) == "new"


def test_a_plain_model_that_a_list_is_derived_from():
    assert newest_of(newest_statements, OWNER) == []
    first = Statement.objects.create(account=OWNER)
    assert (
        newest_of(newest_statements, OWNER)
        == in_another_thread(lambda: newest_of(newest_statements, OWNER))
        == [first.pk]
    )
    second = Statement(account=OWNER)
    second.save()
    assert newest_of(newest_statements, OWNER) == [second.pk, first.pk]
    second.account = OWNER + 1
    second.save()
    assert (newest_of(newest_statements, OWNER), newest_of(newest_statements, OWNER + 1)) == ([first.pk], [second.pk])
    first.delete()
    assert newest_of(newest_statements, OWNER) == []
    assert state_of_key(newest_statements.key(OWNER)) == "value"


def test_while_redis_is_away_its_keys_are_pending(account, own_redis):
    assert owner(account) == "old"
    own_redis.kill()
    deserialized(account, owner="new").save()
    assert PendingInvalidation.objects.exists()
    own_redis.start()
    for _ in range(20):
        assert owner(account) == in_another_thread(lambda: owner(account)) == "new"
