"""Questions about very many ids: no limit of Lua, of SQLite or of Redis makes them fail, or opens the breaker."""

import pytest
from django.db import connection

from caching.redis.breaker import breaker
from caching.testutils import redis_usage
from tests.support.id_set_members import members_among
from tests.zoo.models import Account, Payee, payees

MANY = 100_000


@pytest.fixture
def time_for_many(settings):
    """A busy machine takes its time for very long commands."""
    location = settings.CACHES["default"]["LOCATION"] + "?socket_timeout=20"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}


@pytest.fixture(autouse=True)
def the_breaker_stays_closed():
    yield
    assert breaker.is_closed


@pytest.mark.parametrize("number", [999, 8_000, pytest.param(MANY, marks=pytest.mark.any_database)])
def test_a_set_is_asked_for_many_ids(number, request):
    if number == MANY:
        request.getfixturevalue("time_for_many")
    Payee.objects.bulk_create([Payee(account=7, payee=payee) for payee in (1, number)])
    expected = {1, number}
    for _ in range(2):
        found = members_among(payees, 7, range(1, number + 1))
        assert len(found) == number
        assert {payee for payee, there in found.items() if there} == expected
    with redis_usage() as usage:
        members_among(payees, 7, range(1, number + 1))
    assert (usage.round_trips, usage.commands) == (1, 1)


def test_ids_below_the_floor_of_a_set(monkeypatch):
    monkeypatch.setattr(payees.here(), "newest", 3)
    Payee.objects.bulk_create([Payee(account=7, payee=payee) for payee in range(2_000, 12_000, 1_000)])
    for _ in range(2):
        found = members_among(payees, 7, range(1, 11_500))
        assert [payee for payee, there in found.items() if there] == list(range(2_000, 11_500, 1_000))


@pytest.mark.parametrize("number", [1_001, pytest.param(MANY, marks=pytest.mark.any_database)])
def test_many_rows_are_asked_for(number, request):
    if number == MANY:
        request.getfixturevalue("time_for_many")
    accounts = Account.objects.bulk_create([Account(number=str(each)) for each in range(5)])
    pks = [account.pk for account in accounts]
    asked = [*range(10**9, 10**9 + number - 5), *pks]
    for _ in range(2):
        found = Account.objects.get_some(asked)
        assert [account.pk for account in found.results] == pks
        assert len(found.missing) == number - 5


def test_many_rows_are_written_at_once():
    Account.objects.bulk_create([Account(number=str(each)) for each in range(12_000)])
    pks = list(Account.objects.values_list("pk", flat=True))
    assert len(Account.objects.get_some(pks).results) == 12_000
    Account.objects.filter(branch=1).update(owner="new")
    assert {account.owner for account in Account.objects.get_some(pks).results} == {"new"}
    Account.objects.filter(branch=1).delete()
    assert Account.objects.get_some(pks[:3]).missing == pks[:3]


def test_where_the_database_limits_parameters_they_are_asked_in_parts(django_assert_num_queries):
    limit = connection.features.max_query_params
    with django_assert_num_queries(1 if limit is None or limit > 1_100 else 2):  # Django 6.1 knows SQLite's true limit
        Account.objects.get_some(range(1, 1_001))
    with django_assert_num_queries(1):
        Account.objects.get_some(range(10_001, 10_901))
