"""Measure the constants on private servers: CPU and bytes of each kind of request, of entries in Redis, of rows."""

import platform
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from http.client import HTTPConnection
from statistics import mean, median
from typing import Any, NamedTuple

from loadtest.bench import seed_follows, seed_posts
from loadtest.bench.environment import CALLERS, Environment
from loadtest.bench.load_generator import Outcome, Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, database_meter
from loadtest.bench.sections.hot_lane import seed
from loadtest.bench.web_server import WebServer
from loadtest.load.zipf import Zipf
from loadtest.sizing.constants import Cost, Measured

USERS, POSTS, PATHS, BATCH = 3_000, 2_000, 100, 15
CONNECTIONS = 4
"""Few, because the event loop serves requests that come together at less cost each: a worker that is half busy has no
more at once."""
ROUNDS, SECONDS = 3, 1.0
API = "/api/v1"
ROWS = 100_000  # of each table whose bytes are measured
SET = 200  # ids
TERMS = 3  # of a user: the username and two words of the nickname
EXPIRY_BYTES = 40  # of a key in the dictionary of expiry times, which MEMORY USAGE leaves out
ENTRIES = {  # by a part of the key
    "{popups}:": "popup_state",
    ":ids:": "id_set",
    ":list:": "newest_posts",
    ":c:": "counters",
    "users.user:": "user",
    "posts.post:": "post",
}


class Sample(NamedTuple):
    """Requests of one kind: GETs of `paths`, or PUTs of `bodies`; `cold` empties Redis before each round."""

    paths: list[str]
    bodies: list[str] = []
    cold: bool = False


class Run(NamedTuple):
    """A sample that was sent: its cost, and its requests a second and latencies as the client saw them.

    `core_share` is the part of the time for which the worker was at work.
    """

    cost: Cost
    per_second: float
    p50_ms: float
    p99_ms: float
    core_share: float


def measure() -> Measured:
    """Return all constants, measured here and now."""
    with servers() as (env, web):
        costs = measure_requests(env, web, [name for name, sample in samples().items() if not sample.cold])
        entries = measure_entries(env)
        costs |= measure_requests(env, web, [name for name, sample in samples().items() if sample.cold])
    source = {
        "on": date.today().isoformat(),  # noqa: DTZ011  of this machine's clock
        "command": "make sizing ARGS=--measure",
        "machine": f"{platform.machine()}, Python {platform.python_version()}, one web worker on a core",
    }
    return Measured(source, costs, entries, measure_rows(env))


@contextmanager
def servers() -> Iterator[tuple[Environment, WebServer]]:
    """Run a database, a Redis and a web server with one worker, filled with users, posts and popups."""
    env = Environment(USERS)
    seed(env)
    seed_rows(env)
    with env.web_server(workers=1, threads=8, LANE="on") as web, env.background_command("rollup_counters"):
        web.pin_workers_to_cores()
        env.run_command("warm_cache", "users.User", "--verbosity=0")
        yield env, web


def seed_rows(env: Environment) -> None:
    """Give each post some likes, each caller favourites and scores."""
    seed_posts.insert_marks(env, "posts_like", 20 * POSTS, posts=POSTS, users=USERS)
    env.sql(f"INSERT INTO ratings_item (title, description, created_at) SELECT seq, '', NOW() FROM seq_1_to_{PATHS}")
    for name, table in (("likes", "posts_like"), ("favorites", "posts_favorite")):
        env.sql(f"DELETE FROM counters_counter WHERE kind = 'post' AND name = '{name}'")
        seed_posts.insert_counters(env, name, table, "post_id")


def samples() -> dict[str, Sample]:
    """Return the requests of each kind of the mix, and `miss`."""
    users, posts = Zipf(range(1, USERS + 1), seed=8), Zipf(range(1, POSTS + 1), seed=9)
    ids = [posts.draw_distinct(BATCH) for _ in range(PATHS)]
    popups = "platform=ios&app_version=3.2.0"
    return {
        "user": Sample([f"{API}/users/{pk}" for pk in users.draw(PATHS)]),
        "counts": Sample([f"{API}/counters?targets={','.join(f'post:{pk}' for pk in some)}" for some in ids]),
        "favorites": Sample([f"{API}/favorites/check?ids={','.join(map(str, some))}" for some in ids]),
        "relationships": Sample(
            [f"{API}/relationships?ids={','.join(map(str, users.draw_distinct(BATCH)))}" for _ in range(PATHS)]
        ),
        "popup": Sample([f"{API}/popups/next?placement=shown&{popups}"]),
        "claim": Sample([f"{API}/popups/next?placement=again&{popups}"]),
        "home": Sample([f"{API}/users/{pk}/posts" for pk in range(1, PATHS + 1)]),
        "write": Sample(
            [f"{API}/ratings/{pk}/score" for pk in range(1, PATHS + 1)], [f'{{"score":{n}}}' for n in (1, 5, 9, 3, 7)]
        ),
        "miss": Sample([f"{API}/users/{pk}" for pk in range(CALLERS + 1, USERS)], cold=True),
    }


def measure_requests(env: Environment, web: WebServer, names: Iterable[str]) -> dict[str, Cost]:
    """Return the cost of kinds of requests: medians of rounds in which the kinds take turns."""
    kinds = {name: samples()[name] for name in names}
    for sample in kinds.values():
        send(env, web, sample, requests=2 * PATHS + CONNECTIONS)
    found: dict[str, list[Cost]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name, sample in kinds.items():
            found[name].append(cost_of(env, web, sample))
    return {name: Cost(*map(median, zip(*costs, strict=True))) for name, costs in found.items()}


def send(env: Environment, web: WebServer, sample: Sample, connections: int = CONNECTIONS, **limits: Any) -> Outcome:
    """Send a sample; raise SystemExit if a request fails."""
    outcome = run_load(
        Workload(
            port=web.port,
            paths=sample.paths,
            bodies=sample.bodies,
            tokens=env.tokens,
            connections=connections,
            **limits,
        )
    )
    if sum(outcome.errors.values()) > outcome.requests / 100:
        raise SystemExit(f"Requests failed: {outcome.errors}.")
    return outcome


def cost_of(env: Environment, web: WebServer, sample: Sample, seconds: float = SECONDS) -> Cost:
    """Return the cost of a request, by the servers' own counters, over a few seconds."""
    return run_of(env, web, sample, seconds).cost


def run_of(env: Environment, web: WebServer, sample: Sample, seconds: float, connections: int = CONNECTIONS) -> Run:
    """Send a sample for a while; return its cost by the servers' own counters, and what its client saw."""
    if sample.cold:
        env.redis.flushdb()
    limits = {"requests": len(sample.paths)} if sample.cold else {"seconds": seconds}
    pids = (web.worker_pids, [env.redis_pid], [env.mariadb_pid])
    with ExitStack() as stack:
        cpus = [stack.enter_context(cpu_meter(each).counted()) for each in pids]
        statements = stack.enter_context(database_meter(env.sql).counted())
        before = _bytes_of(env)
        outcome = send(env, web, sample, connections, **limits)
        redis_bytes = _bytes_of(env) - before
    web_us, redis_us, database_us = (cpu["ticks"] / TICKS_PER_S * 1e6 / outcome.requests for cpu in cpus)
    per_request = statements["questions"] / outcome.requests
    answer_bytes = _answer_bytes(env, web, sample)
    cost = Cost(web_us, redis_us, database_us, per_request, answer_bytes, redis_bytes / outcome.requests)
    core_share = web_us * outcome.requests / 1e6 / outcome.seconds
    return Run(cost, outcome.per_second, outcome.percentile_ms(50), outcome.percentile_ms(99), core_share)


def _bytes_of(env: Environment) -> int:
    stats = env.redis.info("stats")
    return int(stats["total_net_input_bytes"] + stats["total_net_output_bytes"])


def _answer_bytes(env: Environment, web: WebServer, sample: Sample) -> float:
    """Return the bytes of an answer with its headers: the mean over some paths."""
    connection = HTTPConnection("127.0.0.1", web.port)
    headers = {"X-Forwarded-Proto": "https", "Authorization": f"Bearer {env.tokens[0]}"}
    sizes = []
    for path in sample.paths[:10]:
        body = sample.bodies[0] if sample.bodies else None
        json = {"Content-Type": "application/json"} if body else {}
        connection.request("PUT" if body else "GET", path, body, headers | json)
        answer = connection.getresponse()
        head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
        sizes.append(len(answer.read()) + head + 19)  # the first line, and the blank one
    return mean(sizes)


def measure_entries(env: Environment) -> dict[str, float]:
    """Return the mean bytes of entries by kind, and `id`, those of an id in an id set.

    Of an id set, the entry is that of its state and of a set with the sentinel alone.
    """
    sizes: dict[str, list[int]] = defaultdict(list)
    for key in env.redis.scan_iter(count=1000):
        name = next((name for part, name in ENTRIES.items() if part in key.decode()), "")
        if name and env.redis.type(key) == b"string":
            sizes[name].append(env.redis.memory_usage(key, samples=0) + EXPIRY_BYTES)
    few, many = (_set_bytes(env, ids) for ids in (1, SET))
    return {**{name: mean(found) for name, found in sizes.items()}, "id_set": mean(sizes["id_set"]) + few,
            "id": (many - few) / (SET - 1)}  # fmt: skip


def _set_bytes(env: Environment, ids: int) -> int:
    """Return the bytes of a set of ids of ten digits, with a key such as an id set's."""
    key = "hp:ids:social_follow.follower:{1000000000}:m"
    env.redis.delete(key)
    env.redis.sadd(key, *(10**9 + 1_500_007 * number for number in range(ids)))
    return int(env.redis.memory_usage(key, samples=0)) + EXPIRY_BYTES


def measure_rows(env: Environment) -> dict[str, float]:
    """Return the bytes of a row with its indexes, by table, after ROWS inserts by SQL."""
    pair = f"1 + seq * 7919 MOD {ROWS}, 1 + seq * 104729 MOD {ROWS}"
    event = f"'shown', 1, 1 + seq * 7919 MOD {ROWS}, LPAD(HEX(seq), 24, '0'), CONCAT('1790000000000-', seq), NOW(6)"
    inserts = {
        "social_follow": ("follower_id, followee_id, created_at", f"{pair}, NOW(6)"),
        "posts_like": ("user_id, post_id, created_at", f"{pair}, NOW(6)"),
        "posts_favorite": ("user_id, post_id, created_at", f"{pair}, NOW(6)"),
        "ratings_score": ("user_id, item_id, score", f"{pair}, 5"),
        "popups_userpopup": ("user_id, popup_id, last_claim", f"{pair}, LEFT(MD5(seq), 24)"),
        "popups_event": ("type, popup_id, user_id, claim, stream_id, at", event),
        "users_searchterm": ("term, user_id", "LEFT(MD5(seq), 8), seq"),
    }
    for table, (columns, values) in inserts.items():
        env.sql(f"TRUNCATE {table}")
        seed_follows.insert_rows(env, f"SELECT {values} FROM seq_1_to_{ROWS}", into=f"{table} ({columns})")
    found = {table: _row_bytes(env, table) for table in (*inserts, "posts_post", "users_user")}
    found["users_user"] += TERMS * found.pop("users_searchterm")
    return found


def _row_bytes(env: Environment, table: str) -> float:
    env.sql(f"ANALYZE TABLE {table}")
    size, rows = env.sql(
        "SELECT data_length + index_length, table_rows FROM information_schema.tables "
        f"WHERE table_schema = DATABASE() AND table_name = '{table}'"
    )[0]
    return float(size) / int(rows)
