"""Hit ratios and waits of the last hours are kept in Redis within bounds, and drawn as curves."""

import pytest

from caching.api import redis_client
from caching.extend import prefix
from operations import curves, history, routes
from operations.history import Bucket
from serving.api import durations
from users.models import User

BEGAN_AT = 1_800_000_000 // history.BUCKET_S * history.BUCKET_S
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_cache_without_throttles")]


def test_what_is_counted_is_told_once(alice, monkeypatch):
    monkeypatch.setattr(history, "_current", lambda: BEGAN_AT)
    key = f"{prefix()}:operations:{BEGAN_AT}"
    recorder, other = history.Recorder(), history.Recorder()
    recorder.flush()
    User.objects.get_one(alice.pk)
    for _ in range(3):
        User.objects.get_one(alice.pk)
    redis_client().delete(key)
    recorder.flush()
    recorder.flush()
    monkeypatch.setattr(history, "_read", (-history.FRESH_S, []))
    *older, now = history.buckets()
    assert (now.numbers["users.user", "hits"], now.numbers["users.user", "misses"]) == (3, 1)
    assert not any(bucket.numbers for bucket in older)
    assert len(older) == history.KEPT_S // history.BUCKET_S - 1
    assert 0 < redis_client().ttl(key) <= history.KEPT_S + history.BUCKET_S
    other.flush()  # what another process has counted is added
    monkeypatch.setattr(history, "_read", (-history.FRESH_S, []))
    assert history.buckets()[-1].numbers["users.user", "hits"] > 3


def test_curves_have_gaps_and_tell_their_numbers():
    numbers = {("users.user", "hits"): 3, ("users.user", "misses"): 1, ("users.user", "waits"): 0}
    buckets = [Bucket(0, numbers), Bucket(120, {}), Bucket(240, {("users.user", "waits"): 4, ("<b>", "hits"): 1})]
    first, second = curves.curves(buckets)
    assert first.text == "37.5% of 8 reads hit, 4 waits (at most 4 in 2 min)"
    assert first.svg.count('class="ratio"') == 2
    assert "<b>" not in second.svg
    assert "&lt;b&gt;" in second.svg
    assert curves.curves([]) == []


def test_the_page_draws_them(operator, alice, monkeypatch):
    monkeypatch.setattr(history, "_read", (-history.FRESH_S, []))
    User.objects.get_one(alice.pk)
    history.Recorder().flush()
    assert "<svg" in operator.get("/admin/operations/now").content.decode()


def test_the_slowest_routes_are_told_by_what_was_answered(monkeypatch):
    monkeypatch.setattr(history, "_current", lambda: BEGAN_AT)
    recorder = history.Recorder()
    recorder.flush()
    redis_client().delete(f"{prefix()}:operations:{BEGAN_AT}")
    for seconds, route, status in ((0.2, "slow/{id}", 200), (0.4, "slow/{id}", 404), (0.01, "fast", 200)):
        durations.add((route, "GET", status, "django"), seconds)
    recorder.flush()
    monkeypatch.setattr(history, "_read", (-history.FRESH_S, []))
    slow, fast = routes.slowest(history.buckets())
    assert slow == ("GET slow/{id}", 2, 300)
    assert fast == ("GET fast", 1, 10)
    assert curves.curves(history.buckets()) == []
