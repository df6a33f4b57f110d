"""A week of "which of these posts do I keep?": the earlier design, cached by content, against the id sets of users."""

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from loadtest.baselines.sharding import LIFE_S, PREFIX, SHARDS
from loadtest.bench import load_generator as client
from loadtest.bench import report
from loadtest.bench import seed_posts as writings
from loadtest.bench.compare import THREADS
from loadtest.bench.environment import Ground, Web
from loadtest.bench.feed_workload import CHECKS_A_DAY, POSTS_A_DAY, SLICES_A_DAY, Check, Community
from loadtest.bench.meters import TICKS_PER_S, commands_sent, cpu_meter, database_meter, redis_meter

# Share of the users, and how many posts each of them keeps: a long tail, by id.
TAIL = ((0.004, 8_000), (0.006, 1_500), (0.04, 300), (0.15, 50), (0.3, 10), (0.5, 2))
OLD, NEW = "by content, 20 sets a post", "by user, id set"
ADDRESSES = {OLD: "/baseline/favorites/check", NEW: "/api/v1/favorites/check"}
WARM_UP = 50  # requests that need no favourites
TAPPED = 0.1  # of the requests: those whose commands MONITOR counts, and which are not timed
KEPT_SLICES = LIFE_S * SLICES_A_DAY // 86_400  # for how long a set of the earlier design lives
FEWER_COMMANDS, FEWER_QUERIES, LESS_MEMORY, FASTER = 30, 24, 3, 3
HEAD = (
    "design", "requests", "Redis cmds", "round trips", "SQL", "hit ratio", "keys", "Redis kB", "p50 ms", "p99 ms",
    "CPU µs",
)  # fmt: skip
LEGEND = """\
Redis commands, round trips, SQL and CPU of the worker: per request. Hit ratio: of the asked posts' sets, or of the
callers' sets. Keys and memory: what the week has left in Redis, without the users' rows, which both need."""


@dataclass
class Measured:
    """One design's week. Only the admission of the caller is the same in both: one command, one round trip."""

    tapped: int = 0
    commands: int = 0
    asked: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    slices: list[client.Outcome] = field(default_factory=list)
    keys: int = 0
    bytes: int = 0

    @property
    def requests(self) -> int:
        return sum(outcome.requests for outcome in self.slices)

    def summary(self) -> dict[str, float]:
        latencies = sorted(ms for outcome in self.slices for ms in outcome.latencies_ms)
        counts = {name: self.counts[name] / self.requests for name in ("com_select", "round_trips")}
        return {
            "requests": self.requests,
            "redis_commands": self.commands / self.tapped,
            **counts,
            "hit_ratio": 1 - self.counts["com_select"] / self.asked,
            "keys": self.keys,
            "bytes": self.bytes,
            **{f"p{percent}_ms": latencies[len(latencies) * percent // 100] for percent in (50, 99)},
            "cpu_us": self.counts["ticks"] / TICKS_PER_S / self.requests * 1e6,
        }


def measure(ground: Ground, *, users: int, days: int) -> tuple[dict[str, Any], list[report.Target]]:
    community = Community(users, days)
    rate = f"{POSTS_A_DAY} posts and {CHECKS_A_DAY} checks of each a day"
    report.section(f"{days} days of a feed of {users:,} users, {rate}; the checks of every {SHARDS}th user")
    _seed(ground, community)
    found = {name: _Week(ground, community, name).measured() for name in ADDRESSES}
    print(report.table(HEAD, [_line(name, each.summary()) for name, each in found.items()]), LEGEND, sep="\n\n")
    return {name: each.summary() for name, each in found.items()}, _targets(found)


def _seed(ground: Ground, community: Community) -> None:
    writings.clear(ground)
    writings.insert_posts(ground, 1, community.posts, author=f"1 + seq * 7919 MOD {community.users}")
    last = 0
    for share, of_each in TAIL:
        first, last = last + 1, last + round(share * community.users)
        writings.insert_favorites(ground, first, last, of_each=of_each, posts=community.posts)
    ground.sql("ANALYZE TABLE posts_favorite")
    rows, most = ground.sql(
        "SELECT SUM(kept), SUM(kept > 5000) FROM (SELECT COUNT(*) kept FROM posts_favorite GROUP BY user_id) each_user"
    )[0]
    print(f"{community.posts:,} posts, {rows:,} favourites; {most} users keep more than 5,000.\n", flush=True)


class _Week:
    """From an empty cache on, one request after the other: in a week, hardly two of a residue meet."""

    def __init__(self, ground: Ground, community: Community, name: str) -> None:
        self._ground, self._name, self._community = ground, name, community
        readers = community.readers
        options = (f"--first={readers.start}", f"--last={community.users}", f"--step={readers.step}")
        self._tokens = dict(zip(readers, ground.manage("sign_tokens", *options).split(), strict=True))

    def measured(self) -> Measured:
        ground, found = self._ground, Measured()
        ground.redis.flushall()
        ground.manage("warm_cache", "users.User", "--verbosity=0")
        with ground.web(workers=1, threads=THREADS) as web:
            web.keep_to_one_core()
            self._ask(web, [f"/api/v1/users/{SHARDS}"] * WARM_UP, list(self._tokens.values())[:WARM_UP])
            used, keys = ground.redis.info("memory")["used_memory"], ground.redis.dbsize()
            self._pass(web, found)
            found.bytes = ground.redis.info("memory")["used_memory"] - used
            found.keys = ground.redis.dbsize() - keys
        return found

    def _pass(self, web: Web, found: Measured) -> None:
        ends: list[float] = []
        for checks in self._community.slices():
            tapped = max(1, round(len(checks) * TAPPED))
            self._tap(web, checks[:tapped], found)
            self._time(web, checks[tapped:], found)
            ends.append(time.time())
            if len(ends) > KEPT_SLICES:
                self._expire(loaded_before=ends[-1 - KEPT_SLICES])

    def _tap(self, web: Web, checks: list[Check], found: Measured) -> None:
        found.tapped += len(checks)
        found.commands += commands_sent(self._ground.redis, lambda: self._check(web, checks)).total()

    def _time(self, web: Web, checks: list[Check], found: Measured) -> None:
        meters = [database_meter(self._ground.sql), redis_meter(self._ground.redis), cpu_meter(web.workers)]
        with ExitStack() as stack:
            counted = [stack.enter_context(meter.counted()) for meter in meters]
            found.slices.append(self._check(web, checks))
        for counts in counted:
            found.counts.update(counts)
        found.asked += sum(len(check.post_ids) if self._name == OLD else 1 for check in checks)

    def _check(self, web: Web, checks: list[Check]) -> client.Outcome:
        paths = [f"{ADDRESSES[self._name]}?ids={','.join(map(str, check.post_ids))}" for check in checks]
        return self._ask(web, paths, [self._tokens[check.user_id] for check in checks])

    def _ask(self, web: Web, paths: list[str], tokens: list[str]) -> client.Outcome:
        order = client.Order(port=web.port, paths=paths, tokens=tokens, connections=1, requests=len(paths))
        outcome = client.run(order)
        if outcome.errors:
            raise SystemExit(f"Favourites could not be checked: {outcome.errors}.")
        return outcome

    def _expire(self, *, loaded_before: float) -> None:
        """The week takes minutes: the sets that had 48 hours by its own clock are taken out."""
        redis = self._ground.redis
        keys = list(redis.scan_iter(f"{PREFIX}*", count=1_000))
        pipeline = redis.pipeline(transaction=False)
        for key in keys:
            pipeline.pttl(key)
        least_ms = (loaded_before + LIFE_S - time.time()) * 1_000
        if old := [key for key, left_ms in zip(keys, pipeline.execute(), strict=True) if left_ms < least_ms]:
            redis.delete(*old)


def _line(name: str, s: dict[str, float]) -> list[str]:
    numbers = [f"{s[key]:.2f}" for key in ("redis_commands", "round_trips", "com_select")]
    kept = [f"{s['hit_ratio']:.2%}", f"{s['keys']:,}", f"{s['bytes'] / 1_000:,.0f}"]
    times = [f"{s['p50_ms']:.2f}", f"{s['p99_ms']:.2f}", f"{s['cpu_us']:,.0f}"]
    return [name, f"{s['requests']:,}", *numbers, *kept, *times]


def _targets(found: dict[str, Measured]) -> list[report.Target]:
    old, new = (found[name].summary() for name in (OLD, NEW))
    faster = [
        theirs.percentile_ms(50) / ours.percentile_ms(50)
        for theirs, ours in zip(found[OLD].slices, found[NEW].slices, strict=True)
    ]
    return [
        report.times_at_least(f"favourites check, {figure}", old[key] / new[key], limit)
        for figure, key, limit in (
            ("fewer Redis commands", "redis_commands", FEWER_COMMANDS),
            ("fewer SQL queries", "com_select", FEWER_QUERIES),
            ("less Redis memory", "bytes", LESS_MEMORY),
        )
    ] + [report.times_at_least("favourites check, lower p50", median(faster), FASTER)]
