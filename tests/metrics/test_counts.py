"""What one process counts: each metric moves when its event happens, and by as much."""

import pytest

from caching.api import atomic_write
from metrics.families import PROCESS_FAMILIES
from popups import lost_events
from popups.models import Popup
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_cache_without_throttles")]
USERS = ("users.user", "rows")


def numbers():
    return {family.name: dict(family.read()) for family in PROCESS_FAMILIES}


@pytest.fixture
def moved():
    """moved(name): by how much each number of a metric has grown since the test began."""
    before = numbers()

    def since(name):
        return {
            key: number - before[name].get(key, 0)
            for key, number in numbers()[name].items()
            if number != before[name].get(key, 0)
        }

    return since


def test_misses_hits_holds_and_round_trips(alice, moved):
    for _ in range(3):
        User.objects.get_one(alice.pk)
    assert moved("hotpath_cache_misses_total") == {USERS: 1}
    assert moved("hotpath_cache_hits_total") == {USERS: 2}
    User.objects.update_one(alice.pk, nickname="Another")
    (held,) = moved("hotpath_cache_held_keys_total").values()
    assert held >= 1
    trips = numbers()["hotpath_redis_round_trip_seconds"]
    assert sum(sum(counts) for (_, caller), (*counts, _) in trips.items() if caller == "thread") >= 6


def test_what_a_transaction_has_written_it_reads_past_the_cache(alice, moved):
    with atomic_write("default"):
        User.objects.update_one(alice.pk, nickname="Another")
        User.objects.get_one(alice.pk)
    assert moved("hotpath_cache_bypasses_total") == {USERS: 1}


def test_popups_shown_clicked_and_lost(api, alice, moved):
    popup = Popup.objects.create(title="Hello")
    query = {"placement": "home", "platform": "ios", "app_version": "3.2.0"}
    claim = api.get("popups/next", by=alice, query=query).json["popup"]["claim"]
    for _ in range(2):
        assert api.post(f"popups/{popup.pk}/events", {"claim": claim, "type": "click"}, by=alice).status == 202
    assert moved("hotpath_popup_events_total") == {("shown",): 1, ("click",): 1}
    lost_events.count(lost_events.Reason.REDIS, 2)
    assert moved("hotpath_popup_events_lost_total") == {("redis",): 2}
