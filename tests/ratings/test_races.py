"""Concurrent ratings of many users and of one user leave exact counters."""

import random
from functools import partial

import pytest

from caching.api import repeated
from caching.redis.client import round_trip
from counters import blocks
from counters.blocks import LoggedDelta
from counters.reads import counts_of
from ratings import scores, services
from ratings.counts import KIND, SCORES, histogram_counter
from ratings.models import Item, Score
from tests.ratings.totals import assert_exact, shown, truth
from tests.support.budgets import budget
from tests.support.threads import in_parallel
from users.models import User
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)


# The increments of a change from 10 to 1.
TORN = {"sum": -9, histogram_counter(10): -1, histogram_counter(1): +1}


def test_many_at_once_are_exact(item):
    User.objects.bulk_create([User(pk=10_000 + number, username=f"rater{number}") for number in range(160)])

    def rate(part):
        chance = random.Random(part)
        for user_id in range(10_000 + part, 10_160, 8):
            for _ in range(3):
                services.rate(user_id=user_id, item_id=item.pk, score=chance.choice(SCORES))
            if user_id % 5 == 0:
                services.withdraw(user_id=user_id, item_id=item.pk)

    in_parallel(*[partial(rate, part) for part in range(8)])
    assert Score.objects.count() == 128
    assert_exact(item)


def test_one_user_firing_fifty_scores(alice, item):
    """There is one row; every answer is "done" or "too fast"; the counters equal the row."""

    def rate(score):
        try:
            repeated(partial(services.rate, user_id=alice.pk, item_id=item.pk, score=score), is_idempotent=True)
        except services.TooFast:
            return "too fast"
        return "done"

    for _ in range(4):
        answers = in_parallel(*[partial(rate, 1 + number % 10) for number in range(50)])
        assert set(answers) <= {"done", "too fast"}
        assert "done" in answers
        assert Score.objects.count() == 1
        assert_exact(item)


def test_the_loser_of_a_race_changes_nothing(alice, item, monkeypatch):
    services.rate(user_id=alice.pk, item_id=item.pk, score=5)
    before = scores.StoredScore(Score.objects.get().pk, alice.pk, 4)
    monkeypatch.setattr(scores, "select", lambda *_: before)  # as this request read it
    with pytest.raises(services.TooFast):
        services.rate(user_id=alice.pk, item_id=item.pk, score=9)
    monkeypatch.setattr(scores, "select", lambda *_: None)
    with pytest.raises(services.TooFast):
        services.rate(user_id=alice.pk, item_id=item.pk, score=9)
    assert shown(item) == truth(item)
    assert truth(item)["sum"] == 5


def test_a_score_that_the_cache_does_not_know_is_changed(alice, item):
    services.rate(user_id=alice.pk, item_id=item.pk, score=5)
    services.rate(user_id=alice.pk, item_id=item.pk, score=9, is_first=True)
    assert (Score.objects.get().score, Score.objects.count()) == (9, 1)
    assert_exact(item)


def test_a_user_takes_their_scores_along(alice, bob, item):
    services.rate(user_id=alice.pk, item_id=item.pk, score=5)
    services.rate(user_id=bob.pk, item_id=item.pk, score=7)
    list(delete_user(alice.pk))
    assert shown(item)["sum"] == 7
    bob.delete()
    assert_exact(item)


def test_a_rater_who_is_gone_by_now(alice, item):
    with pytest.raises(User.DoesNotExist):
        services.rate(user_id=alice.pk + 1_000, item_id=item.pk, score=5)
    assert shown(item)["count"] == 0


def test_an_item_takes_its_scores_along(alice, item):
    services.rate(user_id=alice.pk, item_id=item.pk, score=5)
    item_id = item.pk
    item.delete()
    assert counts_of(KIND, [item_id])[item_id]["count"] == 0
    assert not Score.objects.exists()
    with pytest.raises(Item.DoesNotExist):
        services.rate(user_id=alice.pk, item_id=item_id, score=5)


@pytest.mark.one_redis
def test_an_average_is_never_made_of_numbers_that_do_not_agree(api, alice, item):
    """Redis has the increments of a change and not those of the first score: its sum is −8 with one rating."""
    services.rate(user_id=alice.pk, item_id=item.pk, score=1)
    api.get(f"ratings/{item.pk}", by=alice)
    round_trip(blocks.increment_commands(LoggedDelta(10**9, KIND, item.pk, name, by) for name, by in TORN.items()))
    assert shown(item)["sum"] == 0
    with budget(sql=1, round_trips=1, commands=1):
        answer = api.get(f"ratings/{item.pk}", by=alice).json
    assert (answer["score"], answer["count"], answer["histogram"]["1"]) == (1.0, 1, 1)
    assert sum(answer["histogram"].values()) == 1
