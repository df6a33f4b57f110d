"""Behaviour 18: the time to live of entries."""

import io
import statistics
import time

from django.core.management import call_command
from django.db import transaction

from caching.conf import conf
from caching.entries.lookup import Lookup
from caching.entries.rows import rows_of
from caching.options import JITTER, Cached, jittered_ms
from caching.protocol import steps
from caching.redis.client import redis_client
from tests.caching.entry_state import state
from tests.testapp.models import Author

MANY = 300
UNKNOWN = range(10**9, 10**9 + MANY)


def lives_ms(keys):
    pipeline = redis_client().pipeline()
    for key in keys:
        pipeline.pttl(key)
    return pipeline.execute()


def spread(lives, seconds):
    """Assert that lifetimes are within the bounds and spread over them."""
    assert min(lives) >= seconds * 1000 * (1 - JITTER) - 5_000
    assert max(lives) <= seconds * 1000 * (1 + JITTER)
    assert max(lives) - min(lives) > seconds * 1000 * JITTER
    assert len(set(lives)) > len(lives) / 2
    assert statistics.pstdev(lives) > seconds * 1000 * JITTER / 4
    return True


def test_rows_read_together_do_not_expire_together():
    pks = [author.pk for author in Author.objects.bulk_create(Author(email=f"{n}@x.org") for n in range(MANY))]
    Author.objects.get_some(pks)
    assert spread(lives_ms(map(rows_of(Author).key, pks)), Author.cached.ttl_s)


def test_rows_warmed_together_do_not_expire_together():
    pks = [author.pk for author in Author.objects.bulk_create(Author(email=f"{n}@x.org") for n in range(MANY))]
    call_command("warm_cache", "testapp.Author", stdout=io.StringIO(), verbosity=0)
    assert spread(lives_ms(map(rows_of(Author).key, pks)), Author.cached.ttl_s)


def test_nothing_lives_briefly_and_with_jitter_too():
    Author.objects.get_some(UNKNOWN)
    lives = lives_ms(map(rows_of(Author).key, UNKNOWN))
    assert max(lives) <= Cached().negative_ttl_s * 1000 * (1 + JITTER)
    assert max(lives) - min(lives) > Cached().negative_ttl_s * 1000 * JITTER


def test_pointers_live_as_rows_do_and_nobody_as_nothing_does(ann):
    Author.objects.get_one(email="ann@example.com")
    (life,) = lives_ms([Lookup(Author, "email").key("ann@example.com")])
    assert Author.cached.ttl_s * 900 - 5_000 < life <= Author.cached.ttl_s * 1100
    assert Author.objects.filter(email="none").first() is None
    try:
        Author.objects.get_one(email="none")
    except Author.DoesNotExist:
        (life,) = lives_ms([Lookup(Author, "email").key("none")])
    assert 0 < life <= Author.cached.negative_ttl_s * 1100


def test_leases_and_holds_end_by_themselves(ann):
    key = rows_of(Author).key(ann.pk)
    steps.lease({key: None}, steps.new_token())
    assert 0 < lives_ms([key])[0] <= conf().lease_ms
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        assert state(ann) == "hold"
        assert steps.HOLD_LIFE_MS - 5_000 < lives_ms([key])[0] <= steps.HOLD_LIFE_MS
        left_ms = steps.deadline_ms(redis_client().get(key)) - time.time() * 1000
        assert conf().hold_ms - 5_000 < left_ms <= conf().hold_ms
        transaction.set_rollback(True)


def test_every_key_in_redis_has_an_end(ann, bea):
    Author.objects.get_some([ann.pk, ann.pk + 1_000]), Author.objects.get_one(email="bea@example.com")
    with_life = [redis_client().pttl(key) > 0 for key in redis_client().scan_iter()]
    assert with_life == [True] * len(with_life)
    assert len(with_life) == 3  # two rows and a pointer


def test_jitter_is_a_tenth_either_way():
    lives = [jittered_ms(100) for _ in range(2_000)]
    assert 90_000 <= min(lives) < 91_000
    assert 109_000 < max(lives) <= 110_000
