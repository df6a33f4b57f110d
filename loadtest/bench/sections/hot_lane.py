"""Section `hot-lane`: the CPU of a cached read on the hot lane, by server, compared with Django and an empty view."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import report, seed_follows, seed_posts
from loadtest.bench.compare import Scale
from loadtest.bench.environment import CALLERS, Environment
from loadtest.bench.load_generator import Outcome, Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, database_meter, redis_meter
from loadtest.bench.sections import hot_lane_connections
from loadtest.bench.web_server import WebServer
from loadtest.load.zipf import Zipf

THREADS, CONNECTIONS = 8, 64
FULL, QUICK = Scale(rounds=7, seconds=1.5), Scale(rounds=1, seconds=0.5)
BATCH, MANY, POSTS, EDGES = 15, 50, 2_000, 100
PATHS = 100
API = "/api/v1"
EMPTY, USER, OWN_USER = "empty Django view", "users/{id}", "users/me"
COUNTS, FAVORITES, RELATIONSHIPS = (f"{read} of {BATCH}" for read in ("counts", "favourites check", "relationships"))
PROFILES, FOLLOWERS, USERS = f"users/profiles of {BATCH}", "users/{id}/followers", f"users of {MANY}"
NOTHING_DUE, CLAIM = "popups/next, nothing due", "popups/next, claim made"
LIMITS_US = {
    USER: 50, OWN_USER: 50, USERS: 120, COUNTS: 90, FAVORITES: 90, RELATIONSHIPS: 90, PROFILES: 200, FOLLOWERS: 200,
    NOTHING_DUE: 45, CLAIM: 60,
}  # fmt: skip
SHOWN = 5  # popups that every caller has already been shown when nothing is due
MAX_OF_EMPTY = 0.25  # CPU of a user on the lane / of an empty Django view on gthread
LEGEND = """\
CPU µs of a request: user and system time of the only worker, which is pinned to a core; medians of the rounds. SQL and
Redis round trips of a request: on gunicorn's lane. The requests of one iteration of its event loop share a trip."""


class ServerConfig(NamedTuple):
    """A web server, with the hot lane on or off."""

    name: str
    server: str
    lane: str = "off"


GTHREAD = ServerConfig("gthread", "gthread")
WITH_LANE = (ServerConfig("gunicorn, lane", "gunicorn", "on"), ServerConfig("granian, lane", "granian", "on"))
WITHOUT_LANE = (ServerConfig("gunicorn, lane off", "gunicorn"), ServerConfig("granian, lane off", "granian"))
CONFIGS = (*WITH_LANE, *WITHOUT_LANE, GTHREAD)


@dataclass
class Cost:
    """The cost of one read on one server; CPU per request in each round, the other counts in total."""

    cpu_us: list[float] = field(default_factory=list)
    sql: float = 0
    round_trips: float = 0
    errors: int = 0
    requests: int = 0


Costs = dict[tuple[str, str], Cost]  # by names of the read and the server


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure CPU, SQL and Redis round trips of each read on each server, and the cost of new connections."""
    report.print_heading(
        f"Hot lane, warm: one worker, {THREADS} threads, {CONNECTIONS} connections, {env.users:,} users, Zipf"
    )
    seed(env)
    costs = _measure_costs(env, reads(env.users), scale)
    header = ("CPU µs", *(config.name for config in CONFIGS), "SQL", "trips")
    print(report.table(header, list(_lines(costs))), LEGEND, sep="\n\n")
    connections, targets = hot_lane_connections.measure(env, path=f"{API}/users/1")
    figures = {f"{read}, {server}": vars(cost) for (read, server), cost in costs.items()}
    return {"requests": figures, "connections": connections}, [*_targets(costs), *targets]


def reads(users: int) -> dict[str, list[str]]:
    """Return the paths of each read, so few that the warm-up requests each twice (see counts.py)."""
    users_zipf, posts_zipf = Zipf(range(1, users + 1), seed=8), Zipf(range(1, POSTS + 1), seed=9)
    user_ids = [",".join(map(str, users_zipf.draw_distinct(BATCH))) for _ in range(PATHS)]
    post_ids = [posts_zipf.draw_distinct(BATCH) for _ in range(PATHS)]
    return {
        EMPTY: ["/baseline/empty"],
        OWN_USER: [f"{API}/users/me"],
        USER: [f"{API}/users/{pk}" for pk in users_zipf.draw(PATHS)],
        COUNTS: [f"{API}/counters?targets={','.join(f'post:{pk}' for pk in ids)}" for ids in post_ids],
        FAVORITES: [f"{API}/favorites/check?ids={','.join(map(str, ids))}" for ids in post_ids],
        RELATIONSHIPS: [f"{API}/relationships?ids={ids}" for ids in user_ids],
        PROFILES: [f"{API}/users/profiles?ids={ids}" for ids in user_ids],
        USERS: [f"{API}/users?ids={','.join(map(str, users_zipf.draw_distinct(MANY)))}" for _ in range(PATHS)],
        FOLLOWERS: [f"{API}/users/{pk}/followers" for pk in range(1, CALLERS + 1)],
        NOTHING_DUE: [f"{API}/popups/next?placement=shown&platform=ios&app_version=3.2.0"],
        CLAIM: [f"{API}/popups/next?placement=again&platform=ios&app_version=3.2.0"],
    }


def seed(env: Environment) -> None:
    """Seed favourites, follows and followers of each caller, and popups, one of which is due again at once."""
    seed_posts.delete_all(env)
    seed_posts.insert_posts(env, 1, POSTS, author="1 + seq MOD 100")
    pairs = f"seq_1_to_{CALLERS} caller, seq_1_to_{EDGES} edge"
    other = f"1 + (caller.seq + 7 * edge.seq) MOD {env.users}"
    for ids in (f"caller.seq, {other}", f"{other}, caller.seq"):
        seed_follows.insert_rows(env, f"SELECT {ids}, NOW(6) FROM {pairs} WHERE {other} > {CALLERS}")
    post = f"1 + (caller.seq + 11 * edge.seq) MOD {POSTS}"
    seed_follows.insert_rows(
        env, f"SELECT caller.seq, {post}, NOW(6) FROM {pairs}", into="posts_favorite (user_id, post_id, created_at)"
    )
    seed_posts.insert_counters(env, "favorites", "posts_favorite", "post_id")
    popups = [*[("shown", 24)] * SHOWN, ("again", 0)]
    values = ", ".join(f"('Hello', 'A popup', '{placement}', {hours})" for placement, hours in popups)
    env.sql(f"INSERT INTO popups_popup (title, body, placement, reshow_hours) VALUES {values}")


def _measure_costs(env: Environment, paths: dict[str, list[str]], scale: Scale) -> Costs:
    costs: Costs = {(read, config.name): Cost() for read in paths for config in CONFIGS}
    with ExitStack() as stack:
        webs = {}
        for config in CONFIGS:
            options = {"SERVER": config.server, "LANE": config.lane}
            webs[config] = stack.enter_context(env.web_server(workers=1, threads=THREADS, **options))
            webs[config].pin_workers_to_cores()
        env.run_command("warm_cache", "users.User", "--verbosity=0")
        for read, config in product(paths, CONFIGS):
            _send(env, webs[config], paths[read], requests=2 * PATHS + CONNECTIONS)
        for _, read, config in product(range(scale.rounds), paths, CONFIGS):
            _measure_round(env, costs[read, config.name], webs[config], paths[read], scale.seconds)
    return costs


def _send(env: Environment, web: WebServer, paths: list[str], **limits: Any) -> Outcome:
    return run_load(Workload(port=web.port, paths=paths, tokens=env.tokens, connections=CONNECTIONS, **limits))


def _measure_round(env: Environment, cost: Cost, web: WebServer, paths: list[str], seconds: float) -> None:
    meters = cpu_meter(web.worker_pids), database_meter(env.sql), redis_meter(env.redis)
    with ExitStack() as stack:
        cpu, database, redis = (stack.enter_context(meter.counted()) for meter in meters)
        outcome = _send(env, web, paths, seconds=seconds)
    cost.cpu_us.append(cpu["ticks"] / TICKS_PER_S / outcome.requests * 1e6)
    cost.requests += outcome.requests
    cost.sql += database["questions"]
    cost.round_trips += redis["round_trips"]
    cost.errors += sum(outcome.errors.values())


def _lines(costs: Costs) -> Iterator[list[Any]]:
    for read in dict.fromkeys(read for read, _ in costs):
        cells = [f"{median(costs[read, config.name].cpu_us):,.0f}" for config in CONFIGS]
        lane = costs[read, WITH_LANE[0].name]
        yield [read, *cells, f"{lane.sql / lane.requests:.2f}", f"{lane.round_trips / lane.requests:.2f}"]


def _targets(costs: Costs) -> list[report.Target]:
    targets = []
    for config in WITH_LANE:
        for read, limit_us in LIMITS_US.items():
            cost = costs[read, config.name]
            targets.append(report.median_at_most(f"{config.name}: {read}, CPU µs", cost.cpu_us, limit_us))
            targets.append(report.exactly(f"{config.name}: {read}, SQL", cost.sql / cost.requests, 0))
        targets.append(
            _ratio(f"{config.name}: a user / empty view on gthread, CPU", costs, USER, config, EMPTY, MAX_OF_EMPTY)
        )
    for config in (*WITH_LANE, *WITHOUT_LANE):
        for read in (EMPTY, OWN_USER):
            targets.append(_ratio(f"{config.name}: {read} / on gthread, CPU", costs, read, config, read, 1))
    return [*targets, report.exactly("hot lane, errors", sum(cost.errors for cost in costs.values()), 0)]


def _ratio(figure: str, costs: Costs, read: str, config: ServerConfig, other: str, limit: float) -> report.Target:
    """Return a Target for the ratio to `other` on gthread in each round, in which other load affects both alike."""
    ours, theirs = costs[read, config.name].cpu_us, costs[other, GTHREAD.name].cpu_us
    return report.median_at_most(figure, [one / two for one, two in zip(ours, theirs, strict=True)], limit)
