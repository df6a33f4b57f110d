"""Budgets of popups in SQL, round trips and commands; a drain costs the same for any number of events."""

import pytest

from popups.events import stream
from tests.popups.shards import drain_first
from tests.support.budgets import budget, measure

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def warm(enter, bob, popup, throttled):
    """Show the popup once, so that the configuration and the popup's total are cached."""
    enter(bob)


def test_nothing_due_is_one_round_trip(enter, bob, warm):
    with budget(sql=0, round_trips=1, commands=2):  # one MGET, and the throttle
        assert enter(bob).json["popup"] is None


def test_a_claim_is_two(enter, alice, bob, warm, make):
    enter(alice)
    make("Another", priority=-1)
    enter(bob)
    with budget(sql=0, round_trips=2, commands=3):
        assert enter(alice).json["popup"]["title"] == "Another"


def test_an_event_is_two(api, enter, alice, popup, warm):
    claim = enter(alice).json["popup"]["claim"]
    for _ in range(2):
        with budget(sql=0, round_trips=2, commands=3):
            body = {"claim": claim, "type": "click"}
            assert api.post(f"popups/{popup.pk}/events", body, by=alice).status == 202


def test_a_strange_claim_costs_no_more_than_the_caller(api, bob, popup, warm):
    with budget(sql=0, round_trips=1, commands=2):
        assert api.post(f"popups/{popup.pk}/events", {"claim": "A" * 32, "type": "click"}, by=bob).status == 404


def test_who_comes_for_the_first_time_is_one_query_more(api, enter, carol, warm):
    api.get("users/me", by=carol)
    with budget(sql=1, round_trips=4, commands=5):  # fetch, lease, fill; the claim
        assert enter(carol).json["popup"]


@pytest.mark.parametrize("people", [1, 40])
def test_a_batch_is_five_queries_however_large(enter, new_user, popup, people):
    for number in range(people):
        enter(new_user(f"guest_{number}"))
    consumer = stream.new_consumer()
    with measure() as cost:
        assert drain_first(consumer) == people
    assert len(cost.sql) == 5, cost.sql  # users, popups; events, pairs, days
    with budget(sql=0, round_trips=1, commands=1):
        assert drain_first(consumer) == 0
