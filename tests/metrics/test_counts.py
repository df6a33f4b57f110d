"""What one process counts: each metric moves when its event happens, and by as much."""

import pytest

from caching.api import Batch, atomic_write
from caching.writing.held import OTHER, group_of
from counters.api import counts_of
from counters.rollup import roll_up_chunk
from metrics.families import PROCESS_FAMILIES
from popups import lost_events
from popups.models import Popup
from social.models import followed, following
from social.services import follow
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
    assert moved("hotpath_cache_held_keys_total") == {USERS: 1}
    trips = numbers()["hotpath_redis_round_trip_seconds"]
    assert sum(sum(counts) for (_, caller), (*counts, _) in trips.items() if caller == "thread") >= 6


def test_holds_have_the_labels_of_reads(alice, bob, moved):
    follow(follower_id=alice.pk, followee_id=bob.pk)
    roll_up_chunk()
    held = moved("hotpath_cache_held_keys_total")
    counts_of("user", [alice.pk])
    batch = Batch()
    batch.add(following.among(alice.pk, [bob.pk]))
    batch.add(followed.of(alice.pk))
    batch.run()
    read = moved("hotpath_cache_hits_total").keys() | moved("hotpath_cache_misses_total").keys()
    assert {kind for _, kind in held} >= {"block_source", "id_set", "id_list"}
    assert read <= held.keys()


def test_keys_of_all_kinds_are_counted_by_their_kind():
    groups = {
        "p:db:users.user:7": ("users.user", ""),
        "p:db:users.user:username:0123": ("users.user", "lookup"),
        "p:db:ids:social.follow.follower:{7}": ("ids", "social.follow.follower"),
        "p:db:edge:ratings.score.user:7:9": ("edge", "ratings.score.user"),
        "p:db:c:user:12": ("c", "user"),
        "p:{popups.17}:total:5": OTHER,
    }
    assert {key: group_of(key, "p:db:") for key in groups} == groups


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
