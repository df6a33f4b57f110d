"""Section `favorites`: a week of checks of favourites, by the earlier design (cached by content) and by id sets."""

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from loadtest.baselines.sharding import LIFE_S, PREFIX, SHARDS
from loadtest.bench import report, seed_posts
from loadtest.bench.compare import THREADS
from loadtest.bench.environment import Environment
from loadtest.bench.feed_workload import CHECKS_PER_DAY, POSTS_PER_DAY, SLICES_PER_DAY, Community, FavoritesCheck
from loadtest.bench.load_generator import Outcome, Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, commands_sent, cpu_meter, database_meter, redis_meter
from loadtest.bench.web_server import WebServer

# Share of the users, and favourites of each of them: a long-tailed distribution.
FAVORITES_EACH = ((0.004, 8_000), (0.006, 1_500), (0.04, 300), (0.15, 50), (0.3, 10), (0.5, 2))
OLD, NEW = "by content, 20 sets a post", "by user, id set"
ADDRESSES = {OLD: "/baseline/favorites/check", NEW: "/api/v1/favorites/check"}
WARM_UP_REQUESTS = 50  # of another resource
MONITORED = 0.1  # share of the requests whose commands MONITOR counts, and which are not timed
TTL_SLICES = LIFE_S * SLICES_PER_DAY // 86_400  # TTL of a set of the earlier design, in slices
FEWER_COMMANDS, FEWER_QUERIES, LESS_MEMORY, FASTER = 30, 24, 3, 3  # times
HEADER = (
    "design", "requests", "Redis cmds", "round trips", "SQL", "hit ratio", "keys", "Redis kB", "p50 ms", "p99 ms",
    "CPU µs",
)  # fmt: skip
LEGEND = """\
Redis commands, round trips, SQL and CPU of the worker: per request. Hit ratio: of the requested posts' sets, or of the
callers' sets. Keys and memory: in Redis at the end of the week, without the users' rows, which both designs need."""


class Scale(NamedTuple):
    """The size of the community, and the length of the simulated time in days."""

    users: int = 10_000
    days: int = 7


FULL, QUICK = Scale(), Scale(users=1_000, days=3)


@dataclass
class WeekResult:
    """The figures of one design. The admission of the caller (one command, one round trip) is the same for both."""

    monitored_requests: int = 0
    monitored_commands: int = 0
    looked_up_sets: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    slices: list[Outcome] = field(default_factory=list)
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
            "redis_commands": self.monitored_commands / self.monitored_requests,
            **counts,
            "hit_ratio": 1 - self.counts["com_select"] / self.looked_up_sets,
            "keys": self.keys,
            "bytes": self.bytes,
            **{f"p{percent}_ms": latencies[len(latencies) * percent // 100] for percent in (50, 99)},
            "cpu_us": self.counts["ticks"] / TICKS_PER_S / self.requests * 1e6,
        }


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure Redis commands, SQL, Redis memory and latencies of the checks of favourites, by each design."""
    community = Community(scale.users, scale.days)
    rate = f"{POSTS_PER_DAY} posts and {CHECKS_PER_DAY} checks of each user a day"
    report.print_heading(
        f"{scale.days} days of a feed of {scale.users:,} users, {rate}; the checks of every {SHARDS}th user"
    )
    _seed(env, community)
    found = {name: _Week(env, community, name).measure() for name in ADDRESSES}
    print(report.table(HEADER, [_line(name, each.summary()) for name, each in found.items()]), LEGEND, sep="\n\n")
    return {name: each.summary() for name, each in found.items()}, _targets(found)


def _seed(env: Environment, community: Community) -> None:
    seed_posts.delete_all(env)
    seed_posts.insert_posts(env, 1, community.posts, author=f"1 + seq * 7919 MOD {community.users}")
    last = 0
    for share, per_user in FAVORITES_EACH:
        first, last = last + 1, last + round(share * community.users)
        seed_posts.insert_favorites(env, first, last, per_user=per_user, posts=community.posts)
    env.sql("ANALYZE TABLE posts_favorite")
    rows, heavy_users = env.sql(
        "SELECT SUM(total), SUM(total > 5000) FROM (SELECT COUNT(*) total FROM posts_favorite GROUP BY user_id) by_user"
    )[0]
    print(f"{community.posts:,} posts, {rows:,} favourites; {heavy_users} users have more than 5,000.\n", flush=True)


class _Week:
    """A week of one design, from an empty cache on.

    Requests are sent one after the other, because those of one shard hardly ever coincide within a week.
    """

    def __init__(self, env: Environment, community: Community, name: str) -> None:
        self._env, self._name, self._community = env, name, community
        readers = community.readers
        options = (f"--first={readers.start}", f"--last={community.users}", f"--step={readers.step}")
        self._tokens = dict(zip(readers, env.run_command("sign_tokens", *options).split(), strict=True))

    def measure(self) -> WeekResult:
        env, found = self._env, WeekResult()
        env.redis.flushall()
        env.run_command("warm_cache", "users.User", "--verbosity=0")
        with env.web_server(workers=1, threads=THREADS) as web:
            web.pin_workers_to_cores()
            self._send(
                web, [f"/api/v1/users/{SHARDS}"] * WARM_UP_REQUESTS, list(self._tokens.values())[:WARM_UP_REQUESTS]
            )
            used, keys = env.redis.info("memory")["used_memory"], env.redis.dbsize()
            self._run_week(web, found)
            found.bytes = env.redis.info("memory")["used_memory"] - used
            found.keys = env.redis.dbsize() - keys
        return found

    def _run_week(self, web: WebServer, found: WeekResult) -> None:
        ends: list[float] = []
        for checks in self._community.slices():
            monitored = max(1, round(len(checks) * MONITORED))
            self._monitor(web, checks[:monitored], found)
            self._time(web, checks[monitored:], found)
            ends.append(time.time())
            if len(ends) > TTL_SLICES:
                self._expire(loaded_before=ends[-1 - TTL_SLICES])

    def _monitor(self, web: WebServer, checks: list[FavoritesCheck], found: WeekResult) -> None:
        found.monitored_requests += len(checks)
        found.monitored_commands += commands_sent(self._env.redis, lambda: self._check(web, checks)).total()

    def _time(self, web: WebServer, checks: list[FavoritesCheck], found: WeekResult) -> None:
        meters = [database_meter(self._env.sql), redis_meter(self._env.redis), cpu_meter(web.worker_pids)]
        with ExitStack() as stack:
            counted = [stack.enter_context(meter.counted()) for meter in meters]
            found.slices.append(self._check(web, checks))
        for counts in counted:
            found.counts.update(counts)
        found.looked_up_sets += sum(len(check.post_ids) if self._name == OLD else 1 for check in checks)

    def _check(self, web: WebServer, checks: list[FavoritesCheck]) -> Outcome:
        paths = [f"{ADDRESSES[self._name]}?ids={','.join(map(str, check.post_ids))}" for check in checks]
        return self._send(web, paths, [self._tokens[check.user_id] for check in checks])

    def _send(self, web: WebServer, paths: list[str], tokens: list[str]) -> Outcome:
        outcome = run_load(Workload(port=web.port, paths=paths, tokens=tokens, connections=1, requests=len(paths)))
        if outcome.errors:
            raise SystemExit(f"Favourites could not be checked: {outcome.errors}.")
        return outcome

    def _expire(self, *, loaded_before: float) -> None:
        """Delete the sets that were loaded before that time.

        The simulated week takes minutes, so Redis does not expire sets that are 48 hours old in simulated time.
        """
        redis = self._env.redis
        keys = list(redis.scan_iter(f"{PREFIX}*", count=1_000))
        pipeline = redis.pipeline(transaction=False)
        for key in keys:
            pipeline.pttl(key)
        min_ttl_ms = (loaded_before + LIFE_S - time.time()) * 1_000
        if old := [key for key, ttl_ms in zip(keys, pipeline.execute(), strict=True) if ttl_ms < min_ttl_ms]:
            redis.delete(*old)


def _line(name: str, s: dict[str, float]) -> list[str]:
    numbers = [f"{s[key]:.2f}" for key in ("redis_commands", "round_trips", "com_select")]
    cached = [f"{s['hit_ratio']:.2%}", f"{s['keys']:,}", f"{s['bytes'] / 1_000:,.0f}"]
    times = [f"{s['p50_ms']:.2f}", f"{s['p99_ms']:.2f}", f"{s['cpu_us']:,.0f}"]
    return [name, f"{s['requests']:,}", *numbers, *cached, *times]


def _targets(found: dict[str, WeekResult]) -> list[report.Target]:
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
