"""Behaviours 1 and 15 under load: despite evictions no read is older than a write acknowledged before it."""

import contextlib
import itertools
import random
import threading

import pytest
from redis.exceptions import OutOfMemoryError

from caching.redis.client import redis_client
from tests.support.empty_redis import empty_redis
from tests.support.threads import in_parallel
from tests.testapp.models import Author

ROWS, WRITERS, READERS, WRITES = 6, 3, 4, 60


def storm(evict):
    """Writers increase the number in each row's name; readers compare with the number acknowledged before the read."""
    rows = Author.objects.bulk_create(Author(email=f"{n}@x.org", name="0") for n in range(ROWS))
    acknowledged, locks = {row.pk: 0 for row in rows}, {row.pk: threading.Lock() for row in rows}
    working = [WRITERS]
    reads = []

    def write():
        try:
            for _ in range(WRITES):
                pk = random.choice(rows).pk
                with locks[pk]:
                    Author.objects.update_one(pk, name=str(acknowledged[pk] + 1))
                    acknowledged[pk] += 1
        finally:
            working[0] -= 1

    def read():
        while working[0]:
            asked = random.sample(rows, 3)
            floor = {row.pk: acknowledged[row.pk] for row in asked}
            for author in Author.objects.get_some([*floor]).results:
                assert int(author.name) >= floor[author.pk]
            reads.append(1)

    def disturb():
        while working[0]:
            evict()

    in_parallel(*[write] * WRITERS, *[read] * READERS, disturb)
    assert sum(acknowledged.values()) == WRITERS * WRITES
    assert len(reads) > READERS
    for _ in range(2):
        found = Author.objects.get_some([*acknowledged]).results
        assert {author.pk: int(author.name) for author in found} == acknowledged


def pause():
    threading.Event().wait(0.002)


def test_no_reader_gets_less_than_was_acknowledged():
    storm(evict=pause)


def test_while_random_keys_are_evicted():
    def evict():
        key = redis_client().randomkey()
        if key:
            redis_client().delete(key)

    storm(evict)


def test_while_everything_is_flushed():
    storm(evict=lambda: (redis_client().flushdb(), pause()))


@pytest.mark.embedded  # does not depend on the database
def test_while_a_small_redis_evicts_by_itself(own_redis):
    """Redis has little more memory than when empty, so that each new entry evicts another."""
    client = own_redis.client()
    empty_redis()
    client.config_set("maxmemory-policy", "allkeys-random")
    filler = itertools.count()

    def evict():
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 4_000)
        with contextlib.suppress(OutOfMemoryError):  # the framework gets this error, too
            client.set(f"filler:{next(filler)}", "x" * 2_000)

    storm(evict)
    assert client.info("stats")["evicted_keys"] > 10
