"""GET /api/v1/counters."""

import pytest

from tests.counters.votes import ZEROS, vote
from tests.support.budgets import budget


@pytest.fixture(autouse=True)
def throttled(settings):
    settings.THROTTLES = {"user": (1_000, 1_000)}


def test_in_the_order_asked_without_duplicates(api, alice, book, voters):
    vote(voters[0], book, stars=3)
    answer = api.get(f"counters?targets=author:{voters[0].pk},book:{book.pk},book:999,book:{book.pk}", by=alice)
    assert answer.status == 200
    assert list(answer.json["results"].items()) == [
        (f"author:{voters[0].pk}", {"votes": 1}),
        (f"book:{book.pk}", {"votes": 1, "stars": 3, "public": 1, "public_stars": 3}),
        ("book:999", ZEROS),
    ]


BAD = {
    "": "no_targets",
    "targets=": "no_targets",
    "targets=unicorn:1": "unknown_kind",
    "targets=Book:1": "unknown_kind",
    "targets=:1": "unknown_kind",
    "targets=book": "bad_target",
    "targets=book:": "bad_target",
    "targets=book:0": "bad_target",
    "targets=book:-1": "bad_target",
    "targets=book:1.0": "bad_target",
    "targets=book:%D9%A3": "bad_target",
    "targets=book:9223372036854775808": "bad_target",
    "targets=book:1,": "bad_target",
    "targets=book:1:2": "bad_target",
    "targets=" + ",".join(["book:1"] * 201): "too_many_targets",
}


@pytest.mark.parametrize("query", BAD, ids=lambda query: query[:30])
def test_bad_targets(api, alice, query):
    answer = api.get(f"counters?{query}", by=alice)
    assert (answer.status, answer.json["code"]) == (400, BAD[query])
    assert list(answer.json["errors"]) == ["targets"]


def test_the_largest_id(api, alice):
    assert api.get("counters?targets=book:9223372036854775807", by=alice).status == 200


@pytest.mark.one_redis
@pytest.mark.parametrize("number", [1, 50, 200])
def test_a_warm_read_is_one_round_trip_and_no_sql(api, alice, book, number):
    targets = ",".join(f"book:{book.pk + 9 * n}" for n in range(number))
    first = api.get(f"counters?targets={targets}", by=alice)
    with budget(sql=0, round_trips=1, commands=2):  # one MGET, and the throttle
        assert api.get(f"counters?targets={targets}", by=alice).bytes == first.bytes
