"""Redis is wiped, killed or frozen at any moment: ratings are accepted, and the next read is exact."""

from importlib import import_module

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from counters import blocks
from ratings import services
from ratings.models import Score
from tests.ratings.totals import drifts, truth
from tests.support.api_client import ApiClient
from tests.support.interpose import interpose
from tests.support.polling import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def back_with_its_data(redis):
    redis.start()


def back_empty(redis):
    redis.forget()
    redis.start()


# {outage: (how it begins, how it ends)}
OUTAGES = {
    "killed": (lambda redis: redis.kill(), back_with_its_data),
    "killed and its disk lost": (lambda redis: redis.kill(), back_empty),
    "frozen": (lambda redis: redis.freeze(), lambda redis: redis.thaw()),
    "wiped": (lambda redis: redis.client().flushall(), lambda redis: None),
}


def exact(api, item, *people):
    """Assert that what each user is shown equals the rows."""
    rows = truth(item)
    for by in people:
        found = api.get(f"ratings/{item.pk}", by=by).json
        mine = Score.objects.filter(user=by, item=item).values_list("score", flat=True).first()
        assert (found["count"], found["my_score"]) == (rows["count"], mine)
        assert found["score"] == (round(rows["sum"] / rows["count"], 2) if rows["count"] else None)
        assert found["histogram"] == {str(score): rows[f"score_{score}"] for score in range(1, 11)}


def exact_out_of_the_cache(api, item, *people):
    def cached():
        with CaptureQueriesContext(connection) as queries:
            for by in people:
                api.get(f"ratings/{item.pk}", by=by)
        return not queries

    wait_until(cached)
    exact(api, item, *people)


@pytest.fixture
def rated(api, own_redis, settings, item, alice, bob):
    settings.CACHING = {**settings.CACHING, "HOLD_MS": 1_000}  # a hold that is not lifted expires after this time
    services.rate(user_id=alice.pk, item_id=item.pk, score=5)
    exact_out_of_the_cache(api, item, alice, bob)
    return item


@pytest.mark.parametrize("outage", OUTAGES)
def test_ratings_during_an_outage(api, own_redis, rated, alice, bob, outage):
    begin, end = OUTAGES[outage]
    begin(own_redis)
    exact(api, rated, alice, bob)
    for by, score in ((alice, 1), (bob, 10)):
        assert api.put(f"ratings/{rated.pk}/score", {"score": score}, by=by).status == 200
        exact(api, rated, alice, bob)
    assert api.delete(f"ratings/{rated.pk}/score", by=alice).status == 200
    exact(api, rated, alice, bob)
    end(own_redis)
    exact(api, rated, alice, bob)
    exact_out_of_the_cache(api, rated, alice, bob)
    assert drifts() == []


STEPS = {
    "before the first look": ("caching.protocol.steps", "fetch", "before"),
    "before the hold": ("caching.protocol.steps", "hold", "before"),
    "after the hold": ("caching.protocol.steps", "hold", "after"),
    "before the lift and the increment": ("caching.protocol.steps", "lift", "before"),
    "after them": ("caching.protocol.steps", "lift", "after"),
}


@pytest.mark.parametrize("outage", ["killed", "killed and its disk lost", "wiped"])
@pytest.mark.parametrize("step", STEPS)
def test_at_any_moment_of_a_rating(api, own_redis, rated, alice, bob, outage, step):
    """Redis returns at once, so that its old entries would be read at once."""
    begin, end = OUTAGES[outage]
    module, name, when = STEPS[step]
    with interpose(import_module(module), name, **{when: lambda: (begin(own_redis), end(own_redis))}):
        assert ApiClient().put(f"ratings/{rated.pk}/score", {"score": 9}, by=alice).status == 200
    exact(api, rated, alice, bob)
    exact_out_of_the_cache(api, rated, alice, bob)
    assert drifts() == []


def test_a_bump_that_is_lost(api, own_redis, rated, alice, bob):
    """Redis is away during the lift and the increment, and returns with its old entries."""
    with interpose(blocks, "increment_commands", before=own_redis.kill):
        services.rate(user_id=bob.pk, item_id=rated.pk, score=9)
    own_redis.start()
    exact(api, rated, alice, bob)
    exact_out_of_the_cache(api, rated, alice, bob)
