"""Section `feed`: a page of the home feed on the hot lane, posts by a celebrity, and feeds by push for comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import report, seed_follows, seed_posts
from loadtest.bench.environment import CALLERS, Environment
from loadtest.bench.load_generator import Outcome, Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, redis_meter
from loadtest.bench.sections import celebrity_posts, pushed_feeds
from loadtest.bench.sections.celebrity_posts import request
from loadtest.bench.web_server import WebServer

API, THREADS, CONNECTIONS = "/api/v1", 8, 8
FEW, MANY, POSTS_EACH = 200, 5_000, 20
FEW_LIMIT_US, MANY_LIMIT_US = 450, 4_000
DEEP = 20  # the number of a deep page
MAX_ROUND_TRIPS = 3
HEADER = ("page of the feed", "CPU µs", "of Redis", "p50 ms", "p99 ms", "SQL", "round trips")
LEGEND = """\
CPU: user and system time of the only worker, and of Redis; medians of the rounds. SQL (of posts and follows) and round
trips: of requests that come one by one. Thousands of keys do not fit into one packet: Redis reads parts of a trip."""


class Scale(NamedTuple):
    """`posts`: how many the celebrity and the other user write in each round."""

    rounds: int
    seconds: float
    posts: int
    celebrity: seed_follows.CelebritySize


FULL = Scale(rounds=7, seconds=1.5, posts=50, celebrity=seed_follows.FULL)
QUICK = Scale(rounds=1, seconds=0.5, posts=10, celebrity=seed_follows.QUICK)


@dataclass
class Page:
    """The requests of a page, and what they cost: CPU in µs of each round, the other figures of one request."""

    paths: list[str]
    tokens: list[str]
    cpu_us: list[float] = field(default_factory=list)
    redis_us: list[float] = field(default_factory=list)
    rounds: list[Outcome] = field(default_factory=list)
    sql: float = 0
    round_trips: float = 0

    def summary(self) -> dict[str, float]:
        """Return the figures of the JSON file."""
        times = {f"p{percent}_ms": median(each.percentile_ms(percent) for each in self.rounds) for percent in (50, 99)}
        costs = {"cpu_us": median(self.cpu_us), "redis_cpu_us": median(self.redis_us)}
        return {**costs, **times, "sql": self.sql, "round_trips": self.round_trips}


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure pages of the feed and posts; compare with feeds that are pushed."""
    posts, post_targets = celebrity_posts.measure(env, scale.celebrity, scale.rounds, scale.posts)
    many = min(MANY, env.users - 1)
    report.print_heading(f"The home feed, warm: one worker with the hot lane, {env.users * POSTS_EACH:,} posts")
    _seed(env, many)
    with env.web_server(workers=1, threads=THREADS, LANE="on") as web:
        web.pin_workers_to_cores()
        pages = _pages(env, web, many)
        _measure_pages(env, web, pages, scale)
    lines = [[name, *_cells(page.summary())] for name, page in pages.items()]
    print(report.table(HEADER, lines), LEGEND, sep="\n\n")
    pushed = pushed_feeds.measure(env, (FEW, many))
    seed_posts.delete_all(env)
    figures = {"pages": {name: page.summary() for name, page in pages.items()}, "posts": posts, "pushed": pushed}
    return figures, [*post_targets, *_targets(pages, many)]


def _seed(env: Environment, many: int) -> None:
    """Let every user write in turn, the first half of the callers follow FEW, the others `many`."""
    seed_posts.delete_all(env)
    seed_posts.insert_posts(env, 1, env.users * POSTS_EACH, author=f"1 + seq * 7919 MOD {env.users}")
    for (first, last), followed in {(1, CALLERS // 2): FEW, (CALLERS // 2 + 1, CALLERS): many}.items():
        seed_follows.insert_rows(
            env,
            f"SELECT caller.seq, 1 + (caller.seq + edge.seq) MOD {env.users}, NOW(6) "
            f"FROM seq_{first}_to_{last} caller, seq_1_to_{followed} edge",
        )


def _pages(env: Environment, web: WebServer, many: int) -> dict[str, Page]:
    found = {}
    for followed, tokens in zip((FEW, many), (env.tokens[: CALLERS // 2], env.tokens[CALLERS // 2 :]), strict=True):
        found[_name(followed)] = Page([f"{API}/feed"], tokens)
        address = f"{API}/feed"
        for number in range(2, DEEP + 1):
            address = request(web.port, "GET", address, tokens[0])["next"].partition(str(web.port))[2]
            if number in (2, DEEP):
                found[f"{_name(followed)}, page {number}"] = Page([address], tokens[:1])
    return found


def _measure_pages(env: Environment, web: WebServer, pages: Mapping[str, Page], scale: Scale) -> None:
    def send(page: Page, connections: int, **limits: Any) -> Outcome:
        return run_load(
            Workload(port=web.port, paths=page.paths, tokens=page.tokens, connections=connections, **limits)
        )

    for page in pages.values():
        send(page, CONNECTIONS, requests=2 * CALLERS)
        with env.logged_statements() as statements, redis_meter(env.redis).counted() as redis:
            requests = send(page, 1, requests=CALLERS).requests
        page.sql = sum("posts_" in each or "social_" in each for each in statements) / requests
        page.round_trips = redis["round_trips"] / requests
    meters = cpu_meter(web.worker_pids), cpu_meter([env.redis_pid])
    for _, page in product(range(scale.rounds), pages.values()):
        with meters[0].counted() as cpu, meters[1].counted() as of_redis:
            outcome = send(page, CONNECTIONS, seconds=scale.seconds)
        page.rounds.append(outcome)
        page.cpu_us.append(cpu["ticks"] / TICKS_PER_S / outcome.requests * 1e6)
        page.redis_us.append(of_redis["ticks"] / TICKS_PER_S / outcome.requests * 1e6)


def _cells(page: Mapping[str, float]) -> list[str]:
    times = [f"{page[name]:,.0f}" for name in ("cpu_us", "redis_cpu_us")]
    return [*times, *(f"{page[name]:.2f}" for name in ("p50_ms", "p99_ms", "sql", "round_trips"))]


def _targets(pages: Mapping[str, Page], many: int) -> list[report.Target]:
    targets = []
    for followed, limit_us in ((FEW, FEW_LIMIT_US), (many, MANY_LIMIT_US)):
        page, name = pages[_name(followed)], f"feed, {_name(followed)}"
        targets.append(report.median_at_most(f"{name}, CPU µs", page.cpu_us, limit_us))
        targets.append(report.exactly(f"{name}, SQL", page.sql, 0))
    return [*targets, report.at_most("feed, round trips", pages[_name(FEW)].round_trips, MAX_ROUND_TRIPS)]


def _name(followed: int) -> str:
    return f"{followed:,} followed"
