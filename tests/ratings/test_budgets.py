"""Budgets of ratings in SQL, round trips and commands; no row that raters share is written."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from counters import rollup
from ratings import services
from tests.support.budgets import budget
from tests.support.empty_redis import empty_redis

pytestmark = pytest.mark.django_db(transaction=True)
COUNTS = [1, 100]


@pytest.fixture
def log():
    """The INSERTs of deltas: one of several rows, or one for each row if the database does not return their keys."""
    return 1 if connection.features.can_return_rows_from_bulk_insert else 3


@pytest.fixture
def address(alice, item):
    """of(count): the address of as many items; alice has rated the first and every second after it."""

    def of(count):
        ids = [item.pk, *(services.publish(title=f"Item {number}").pk for number in range(count - 1))]
        for item_id in ids[::2]:
            services.rate(user_id=alice.pk, item_id=item_id, score=5)
        return f"ratings?ids={','.join(map(str, ids))}"

    return of


@pytest.mark.parametrize("count", COUNTS)
def test_a_warm_read_is_one_round_trip_and_no_sql(api, alice, address, count):
    asked = address(count)
    first = api.get(asked, by=alice)
    with budget(sql=0, round_trips=1, commands=1):
        assert api.get(asked, by=alice).bytes == first.bytes
    assert [each["my_score"] for each in first.json["results"]] == ([5, None] * 50)[:count]


@pytest.mark.parametrize("count", COUNTS)
def test_a_cold_read_is_three_queries(api, alice, address, count):
    asked = address(count)
    api.get("users/me", by=alice)
    empty_redis()
    with budget(sql=4, round_trips=3, commands=3):  # caller, items, counters, scores; fetch, lease, fill
        api.get(asked, by=alice)


def test_one_item(api, alice, bob, item):
    for by in (alice, bob, alice, bob):
        api.get(f"ratings/{item.pk}", by=by)
    for by in (alice, bob):
        with budget(sql=0, round_trips=1, commands=1):
            assert api.get(f"ratings/{item.pk}", by=by).status == 200


def test_what_a_rating_costs(alice, item, log):
    services.rate(user_id=alice.pk, item_id=services.publish(title="Another").pk, score=5)
    for score in (5, 6):
        with budget(
            sql=2 + log, round_trips=2, commands=3
        ):  # own score, insert or update, deltas; hold, lift with increments
            services.rate(user_id=alice.pk, item_id=item.pk, score=score)
    with budget(sql=1, round_trips=0, commands=0):
        services.rate(user_id=alice.pk, item_id=item.pk, score=6)
    with budget(sql=2 + log, round_trips=2, commands=3):  # own score, delete, deltas
        services.withdraw(user_id=alice.pk, item_id=item.pk)
    with budget(sql=1, round_trips=0, commands=0):
        services.withdraw(user_id=alice.pk, item_id=item.pk)


def test_what_a_rating_costs_over_http(api, alice, item, log):
    """Round trips: the caller, the item and the own score; the hold; the lift with the reads of the answer."""
    api.get(f"ratings/{item.pk}", by=alice)
    address = f"ratings/{item.pk}/score"
    for score, known in ((5, 1), (6, 0)):  # of the first, the cache says that there is none
        with budget(sql=2 - known + log, round_trips=3, commands=6):
            assert api.put(address, {"score": score}, by=alice).json["my_score"] == score
    with budget(sql=1, round_trips=2, commands=3):
        assert api.put(address, {"score": 6}, by=alice).json["my_score"] == 6
    with budget(sql=2 + log, round_trips=3, commands=6):
        assert api.delete(address, by=alice).json["my_score"] is None


def test_no_row_that_raters_share_is_written_but_by_the_roll_up(api, alice, bob, item):
    written = re.compile(r"^(?:INSERT INTO|UPDATE|DELETE FROM|DELETE) [`\"]?(\w+)")
    with CaptureQueriesContext(connection) as queries:
        for by, score in ((alice, 5), (bob, 6), (alice, 7)):
            assert api.put(f"ratings/{item.pk}/score", {"score": score}, by=by).status == 200
        api.delete(f"ratings/{item.pk}/score", by=alice)
    tables = [found[1] for query in queries if (found := written.match(query["sql"]))]
    assert set(tables) == {"ratings_score", "counters_delta"}
    assert not any("UPDATE" in query["sql"] and "counters_delta" in query["sql"] for query in queries)
    with CaptureQueriesContext(connection) as queries:
        rollup.roll_up_chunk()
    assert sum("INSERT INTO counters_counter" in query["sql"] for query in queries) == 1


def test_publishing_reads_nothing_back(api, alice):
    api.get("users/me", by=alice)
    with budget(sql=1, round_trips=3, commands=3):  # insert; the caller, hold, lift
        assert api.post("ratings", {"title": "Tea house"}, by=alice).status == 201
