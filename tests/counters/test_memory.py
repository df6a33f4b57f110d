"""What the four counters of a target cost in Redis, with their key and all overhead."""

from caching.api import redis_client
from counters import blocks, reads
from counters.models import Counter

FIRST, TARGETS, MOST_BYTES = 10**9, 8_000, 60


def fill_with(value):
    names = ("votes", "stars", "public", "public_stars")
    Counter.objects.bulk_create(
        Counter(kind="book", target_id=pk, name=name, value=value, last_delta_id=10**9)
        for pk in range(FIRST, FIRST + TARGETS)
        for name in names
    )
    for start in range(FIRST, FIRST + TARGETS, 1_000):
        reads.counts_of("book", range(start, start + 1_000))


def test_four_counters_in_a_hundred_bytes():
    """With numbers beyond 65,535 in all four, five bytes each; most posts have less."""
    redis_client().flushdb()
    before = redis_client().info("memory")["used_memory"]
    fill_with(70_000)
    used = redis_client().info("memory")["used_memory"] - before
    assert used / TARGETS <= MOST_BYTES
    block = blocks.key(blocks.block_of("book", FIRST))
    # The dictionary of expiries and the hash tables' slots are not in MEMORY USAGE.
    assert redis_client().memory_usage(block) / blocks.TARGETS_PER_BLOCK <= MOST_BYTES
