"""What a cached read costs on the hot lane, by server, against the same read in Django and an empty view."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import load_generator as client
from loadtest.bench import report
from loadtest.bench import seed_follows as graph
from loadtest.bench import seed_posts as writings
from loadtest.bench.environment import CALLERS, Ground, Web
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, database_meter, redis_meter
from loadtest.bench.sections import hot_lane_connections as connections
from loadtest.load.zipf import Zipf

THREADS, CONNECTIONS = 8, 64
LISTED, POSTS, EDGES = 15, 2_000, 100
PATHS = 100
OURS = "/api/v1"
EMPTY, USER, OTHER = "empty Django view", "users/{id}", "users/me"
COUNTS, FAVORITES, RELATIONSHIPS = (f"{what} of {LISTED}" for what in ("counts", "favourites check", "relationships"))
NOTHING_DUE, CLAIM = "popups/next, nothing due", "popups/next, claim made"
LIMITS_US = {USER: 50, COUNTS: 90, FAVORITES: 90, RELATIONSHIPS: 90, NOTHING_DUE: 45, CLAIM: 60}
SHOWN = 5  # popups that every caller has been shown when nothing is due
MOST_OF_EMPTY = 0.25  # a user on the lane, of an empty Django view on gthread
LEGEND = """\
CPU µs of a request: user and system time of the one worker, which is kept to a core; medians of the rounds. SQL and
Redis round trips of a request: gunicorn's, on the lane. The requests of one turn of its loop share a trip."""


class Way(NamedTuple):
    """A server, with the lane or without."""

    name: str
    server: str
    lane: str = "off"


GTHREAD = Way("gthread", "gthread")
LANES = (Way("gunicorn, lane", "gunicorn", "on"), Way("granian, lane", "granian", "on"))
DJANGOS = (Way("gunicorn, lane off", "gunicorn"), Way("granian, lane off", "granian"))
WAYS = (*LANES, *DJANGOS, GTHREAD)


@dataclass
class Cost:
    cpu_us: list[float] = field(default_factory=list)
    sql: float = 0
    round_trips: float = 0
    errors: int = 0
    requests: int = 0


Costs = dict[tuple[str, str], Cost]  # by read and way


def measure(ground: Ground, *, users: int, rounds: int, seconds: float) -> tuple[dict[str, Any], list[report.Target]]:
    report.section(f"Hot lane, warm: one worker, {THREADS} threads, {CONNECTIONS} connections, {users:,} users, Zipf")
    _seed(ground, users)
    costs = _costs(ground, reads(users), rounds, seconds)
    print(
        report.table(("CPU µs", *(way.name for way in WAYS), "SQL", "trips"), list(_lines(costs))), LEGEND, sep="\n\n"
    )
    found, targets = connections.measure(ground, path=f"{OURS}/users/1")
    figures = {f"{read}, {way}": vars(cost) for (read, way), cost in costs.items()}
    return {"requests": figures, "connections": found}, [*_targets(costs), *targets]


def reads(users: int) -> dict[str, list[str]]:
    """So few paths that the warm-up asks for each twice, as in loadtest/counts.py."""
    zipf, posts = Zipf(range(1, users + 1), seed=8), Zipf(range(1, POSTS + 1), seed=9)
    lists = [",".join(map(str, zipf.distinct(LISTED))) for _ in range(PATHS)]
    of_posts = [posts.distinct(LISTED) for _ in range(PATHS)]
    return {
        EMPTY: ["/baseline/empty"],
        OTHER: [f"{OURS}/users/me"],
        USER: [f"{OURS}/users/{pk}" for pk in zipf.draw(PATHS)],
        COUNTS: [f"{OURS}/counters?targets={','.join(f'post:{pk}' for pk in ids)}" for ids in of_posts],
        FAVORITES: [f"{OURS}/favorites/check?ids={','.join(map(str, ids))}" for ids in of_posts],
        RELATIONSHIPS: [f"{OURS}/relationships?ids={each}" for each in lists],
        NOTHING_DUE: [f"{OURS}/popups/next?placement=shown&platform=ios&app_version=3.2.0"],
        CLAIM: [f"{OURS}/popups/next?placement=again&platform=ios&app_version=3.2.0"],
    }


def _seed(ground: Ground, users: int) -> None:
    """Each caller keeps some posts, and follows and is followed by some users; one popup is due again at once."""
    writings.clear(ground)
    writings.insert_posts(ground, 1, POSTS, author="1 + seq MOD 100")
    pairs = f"seq_1_to_{CALLERS} caller, seq_1_to_{EDGES} edge"
    far = f"1 + (caller.seq + 7 * edge.seq) MOD {users}"
    follow = "social_follow (follower_id, followee_id, created_at)"
    graph.insert(ground, f"SELECT caller.seq, {far}, NOW(6) FROM {pairs} WHERE {far} > {CALLERS}", into=follow)
    graph.insert(ground, f"SELECT {far}, caller.seq, NOW(6) FROM {pairs} WHERE {far} > {CALLERS}", into=follow)
    post = f"1 + (caller.seq + 11 * edge.seq) MOD {POSTS}"
    graph.insert(
        ground, f"SELECT caller.seq, {post}, NOW(6) FROM {pairs}", into="posts_favorite (user_id, post_id, created_at)"
    )
    writings.count(ground, "favorites", "posts_favorite", "post_id")
    popups = [*[("shown", 24)] * SHOWN, ("again", 0)]
    values = ", ".join(f"('Hello', 'A popup', '{placement}', {hours})" for placement, hours in popups)
    ground.sql(f"INSERT INTO popups_popup (title, body, placement, reshow_hours) VALUES {values}")


def _costs(ground: Ground, paths: dict[str, list[str]], rounds: int, seconds: float) -> Costs:
    costs: Costs = {(read, way.name): Cost() for read in paths for way in WAYS}
    with ExitStack() as stack:
        webs = {}
        for way in WAYS:
            options = {"SERVER": way.server, "LANE": way.lane}
            webs[way] = stack.enter_context(ground.web(workers=1, threads=THREADS, **options))
            webs[way].keep_to_one_core()
        ground.manage("warm_cache", "users.User", "--verbosity=0")
        for read in paths:
            for way in WAYS:
                _ask(ground, webs[way], paths[read], requests=2 * PATHS + CONNECTIONS)
        for _ in range(rounds):
            for read in paths:
                for way in WAYS:
                    _add(ground, costs[read, way.name], webs[way], paths[read], seconds)
    return costs


def _ask(ground: Ground, web: Web, paths: list[str], **limits: Any) -> client.Outcome:
    return client.run(client.Order(port=web.port, paths=paths, tokens=ground.tokens, connections=CONNECTIONS, **limits))


def _add(ground: Ground, cost: Cost, web: Web, paths: list[str], seconds: float) -> None:
    meters = cpu_meter(web.workers), database_meter(ground.sql), redis_meter(ground.redis)
    with ExitStack() as stack:
        cpu, database, redis = (stack.enter_context(meter.counted()) for meter in meters)
        outcome = _ask(ground, web, paths, seconds=seconds)
    cost.cpu_us.append(cpu["ticks"] / TICKS_PER_S / outcome.requests * 1e6)
    cost.requests += outcome.requests
    cost.sql += database["questions"]
    cost.round_trips += redis["round_trips"]
    cost.errors += sum(outcome.errors.values())


def _lines(costs: Costs) -> Iterator[list[Any]]:
    for read in dict.fromkeys(read for read, _ in costs):
        cells = [f"{median(costs[read, way.name].cpu_us):,.0f}" for way in WAYS]
        lane = costs[read, LANES[0].name]
        yield [read, *cells, f"{lane.sql / lane.requests:.2f}", f"{lane.round_trips / lane.requests:.2f}"]


def _targets(costs: Costs) -> list[report.Target]:
    targets = []
    for way in LANES:
        for read, limit_us in LIMITS_US.items():
            cost = costs[read, way.name]
            targets.append(report.median_at_most(f"{way.name}: {read}, CPU µs", cost.cpu_us, limit_us))
            targets.append(report.exactly(f"{way.name}: {read}, SQL", cost.sql / cost.requests, 0))
        targets.append(
            _ratio(f"{way.name}: a user / empty view on gthread, CPU", costs, USER, way, EMPTY, MOST_OF_EMPTY)
        )
    for way in (*LANES, *DJANGOS):
        for read in (EMPTY, OTHER):
            targets.append(_ratio(f"{way.name}: {read} / on gthread, CPU", costs, read, way, read, 1))
    return [*targets, report.exactly("hot lane, errors", sum(cost.errors for cost in costs.values()), 0)]


def _ratio(figure: str, costs: Costs, read: str, way: Way, other: str, limit: float) -> report.Target:
    """Within a round both met the same machine."""
    ours, theirs = costs[read, way.name].cpu_us, costs[other, GTHREAD.name].cpu_us
    return report.median_at_most(figure, [one / two for one, two in zip(ours, theirs, strict=True)], limit)
