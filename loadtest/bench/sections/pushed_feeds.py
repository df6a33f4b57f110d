"""Part of section `feed`: what feeds would take that each post is pushed into, as Mastodon and Twitter push them.

One sorted set for each reader, in the same Redis: a post is added to all of them and each is cut to its length.
"""

from itertools import product
from typing import Any

from loadtest.bench import report
from loadtest.bench.environment import Environment
from loadtest.bench.meters import TICKS_PER_S, cpu_meter

READERS, PIPELINED = 10_000, 1_000
LENGTHS = (400, 800)  # of Mastodon's feeds and of Twitter's timelines
FIRST_ID, SPACING = 115_000_000_000_000_000, 4_000_000  # ids with a time in them, as both have
PAGE, TIMES = 15, 5  # each feed gets so many posts, and is read as often
HEADER = ("kept in Redis", "for", "bytes")
LEGEND = """\
Bytes by MEMORY USAGE, keys included. A pull keeps a list for each author and a list of the followed for each reader; a
push keeps a feed for each reader."""


def measure(env: Environment, followed: tuple[int, ...]) -> dict[str, Any]:
    """Compare the memory of both designs, and measure how long a post is pushed."""
    report.print_heading("The same feed by push: one sorted set for each reader")
    lists = {"pull: newest 16 ids": ("an author", _bytes_of(env, "*list:posts.post*"))}
    of_readers = sorted(_all_bytes(env, "*list:social.follow*"))
    lists |= {
        f"pull: {number:,} followed": ("a reader", used)
        for number, used in zip(followed, (of_readers[0], of_readers[-1]), strict=True)
    }
    figures: dict[str, Any] = {}
    for length in LENGTHS:
        used, push_us, read_us = _push(env, length)
        lists[f"push: {length} ids"] = ("a reader", used)
        figures[f"push, {length} ids"] = {"bytes": used, "redis_cpu_us_each": push_us, "redis_cpu_us_of_read": read_us}
    print(report.table(HEADER, [[name, of, f"{used:,.0f}"] for name, (of, used) in lists.items()]), LEGEND, sep="\n\n")
    for name, found in figures.items():
        million = found["redis_cpu_us_each"] * 3
        print(
            f"{name}: {found['redis_cpu_us_each']:.2f} µs of Redis for each follower, {million:.0f} s for 3,000,000; "
            f"{found['redis_cpu_us_of_read']:.1f} µs to read a page"
        )
    return {**figures, "bytes": {name: used for name, (_, used) in lists.items()}}


def _push(env: Environment, length: int) -> tuple[float, float, float]:
    """Return the bytes of a feed, and the CPU of Redis in µs of a push into one feed and of reading a page of it."""
    keys = [f"bench:feed:home:{number}" for number in range(READERS)]
    ids = [FIRST_ID + SPACING * number for number in range(length)]
    env.redis.zadd(keys[0], dict(zip(ids, ids, strict=True)))
    used = env.redis.memory_usage(keys[0], samples=0)
    for key in keys[1:]:
        env.redis.copy(keys[0], key)
    cpu = cpu_meter([env.redis_pid])
    with cpu.counted() as pushing:
        for number, at in product(range(TIMES), range(0, READERS, PIPELINED)):
            pipeline, newest = env.redis.pipeline(transaction=False), FIRST_ID + SPACING * (length + number)
            for key in keys[at : at + PIPELINED]:
                pipeline.zadd(key, {newest: newest})
                pipeline.zremrangebyrank(key, 0, -length - 1)
            pipeline.execute()
    with cpu.counted() as reading:
        for _, at in product(range(TIMES), range(0, READERS, PIPELINED)):
            pipeline = env.redis.pipeline(transaction=False)
            for key in keys[at : at + PIPELINED]:
                pipeline.zrevrange(key, 0, PAGE - 1)
            pipeline.execute()
    for at in range(0, READERS, PIPELINED):
        env.redis.delete(*keys[at : at + PIPELINED])
    to_us = 1e6 / TICKS_PER_S / READERS / TIMES
    return used, pushing["ticks"] * to_us, reading["ticks"] * to_us


def _bytes_of(env: Environment, pattern: str) -> float:
    found = _all_bytes(env, pattern)
    return sum(found) / len(found)


def _all_bytes(env: Environment, pattern: str) -> list[int]:
    return [env.redis.memory_usage(key, samples=0) for key in env.redis.scan_iter(pattern, count=10_000)]
