"""The sampling check finds what drifted, and takes nothing else for a drift."""

import pytest

from caching.api import redis_client
from caching.operate import warm
from counters.models import Counter
from metrics import drift, sampling
from operations import kinds
from posts import services as posts
from social import services as social
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_cache_without_throttles")]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def found():
    """found(): the kinds of drifts that were found since the test began."""
    before = sampling.differing.snapshot()
    return lambda: {
        kind: number - before.get(kind, 0)
        for kind, number in sampling.differing.snapshot().items()
        if number > before.get(kind, 0)
    }


@pytest.fixture
def look():
    """look(times): have the check look so many times, with more than CONFIRM_S in between."""
    clock = Clock()
    check = sampling.SamplingCheck(clock)

    def step(times: int = 30) -> None:
        for _ in range(times):
            check.step()
            clock.now += sampling.CONFIRM_S + 1

    return step


def question(words):
    (asked,) = kinds.understood(words)
    warm(asked.question())
    return asked.question()


def test_an_old_row_is_found_once_and_named(alice, look, found, caplog):
    key = question(f"users.User {alice.pk}").key
    old = redis_client().get(key)
    look()
    assert found() == {}
    User.objects.update_one(alice.pk, nickname="Another")
    redis_client().set(key, old, px=60_000)
    look()
    assert found() == {"users.User": 1}
    assert key in caplog.text
    told = drift.read()
    assert told.differing == {"users.User": 1}
    assert told.compared["users.User"] >= 1
    assert [each[:2] for each in told.examples] == [("users.User", key)]


def test_old_lists_and_sets_are_found(alice, bob, look, found):
    posts.publish(author_id=alice.pk, text="Hello")
    listed = question(f"posts of user {alice.pk}").key
    followed = question(f"is {alice.pk} following {bob.pk}").key
    old = redis_client().get(listed)
    social.follow(follower_id=alice.pk, followee_id=bob.pk)
    posts.publish(author_id=alice.pk, text="Again")
    question(f"posts of user {alice.pk}")
    question(f"is {alice.pk} following {bob.pk}")
    redis_client().set(listed, old, px=60_000)
    redis_client().srem(f"{followed}:m", bob.pk)
    look(100)
    assert set(found()) >= {"posts.newest_posts", "social.following"}


def test_a_counter_that_drifted_is_found(alice, bob, look, found):
    social.follow(follower_id=alice.pk, followee_id=bob.pk)
    question(f"user:{bob.pk}")
    look(100)
    assert found() == {}
    Counter.objects.create(kind="user", target_id=bob.pk, name="followers", value=3)
    look(200)
    assert found() == {"counters of user": 1}


def test_a_write_between_the_two_reads_is_no_drift(alice, monkeypatch):
    entry = question(f"users.User {alice.pk}")
    kind = kinds.all_kinds()["users.User"]

    def write_and_load(asked):
        User.objects.update_one(alice.pk, nickname="Another")
        warm(asked)
        return stored(asked)

    stored = sampling.load
    monkeypatch.setattr(sampling, "load", write_and_load)
    assert sampling.Sample(kind, entry).differs() is None


def test_what_differs_for_a_moment_is_no_drift(alice, found):
    clock = Clock()
    check = sampling.SamplingCheck(clock)
    key = question(f"users.User {alice.pk}").key
    old = redis_client().get(key)
    User.objects.update_one(alice.pk, nickname="Another")
    redis_client().set(key, old, px=60_000)
    for _ in range(20):
        check.step()
    redis_client().delete(key)
    clock.now += sampling.CONFIRM_S + 1
    check.step()
    assert found() == {}
