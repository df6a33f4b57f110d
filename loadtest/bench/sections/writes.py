"""Section `writes`: what a like, a follow, a score and other writes cost, with the database here and 1 ms away.

With `--before FOLDER`, another checkout of the project serves the same requests in turn with this one.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from loadtest.bench import report, seed_posts
from loadtest.bench.compare import Result, Scale
from loadtest.bench.environment import Environment
from loadtest.bench.latency_proxy import run_latency_proxy
from loadtest.bench.load_generator import Workload, run_load
from loadtest.bench.meters import cpu_meter, database_meter, redis_meter
from loadtest.bench.web_server import PROJECT_ROOT, WebServer

WORKERS, THREADS, CONNECTIONS = 1, 8, 16
HERE, AWAY = "on loopback", "1 ms away"
NOW, BEFORE = "now", "before"
TARGETS = 499  # posts, users or items of a round; it has no factor in common with the number of callers
POPUP = 7
MAX_CPU_RATIO, MIN_RATE_RATIO = 0.7, 1.3
ROLL_UP = ("rollup_counters", "--verbosity=0")
HEADER = ("write", "database", "tree", "writes/s", "p50 ms", "p99 ms", "CPU µs", "SQL", "round trips", "errors")
LEGEND = """\
Medians of the rounds. CPU: user and system time of the worker. SQL: statements with BEGIN and COMMIT, by MariaDB's
counter. Round trips: of Redis, by its counter. What is written to was read before, as an app shows it."""


FULL, QUICK = Scale(rounds=5, seconds=2), Scale(rounds=1, seconds=0.5)


class Verb(NamedTuple):
    """A write: its method, the address of a target, its bodies, and the address by which targets are read before."""

    method: str
    path: str
    bodies: list[str]
    shown_by: str = "posts?ids={}"


Key = tuple[str, str, str]
"""The write, the distance of the database, and the tree."""


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure each write on each tree and at each distance, in turn; each of a round's pairs is written once."""
    report.print_heading(f"Writes: one worker, {THREADS} threads, {CONNECTIONS} connections")
    verbs, trees = _verbs(env), {NOW: PROJECT_ROOT, **({BEFORE: env.before} if env.before else {})}
    results: dict[Key, Result] = {}
    with ExitStack() as stack:
        servers = {place: _server(env, stack, *place) for place in product((HERE, AWAY), trees.items())}
        stack.enter_context(env.background_command(*ROLL_UP))
        _seed(env, len(servers) * (scale.rounds + 1) * len(verbs))
        firsts = iter(range(1, 1 << 30, TARGETS))
        for number, name in product(range(scale.rounds + 1), verbs):
            for (distance, (tree, _)), server in servers.items():
                # The first round is a warm-up.
                result = results.setdefault((name, distance, tree), Result()) if number else Result()
                _measure_round(env, result, server, verbs[name], next(firsts), scale.seconds)
    print(report.table(HEADER, list(_lines(results))), LEGEND, sep="\n\n")
    found = {" / ".join(key): result.summary() for key, result in results.items()}
    return found, list(_targets(results)) if env.before else []


def _verbs(env: Environment) -> dict[str, Verb]:
    scores = [f'{{"score": {score}}}' for score in range(1, 11)]
    claims = env.run_command("sign_claims", f"--users={len(env.tokens)}", f"--popup={POPUP}").split()
    events = [f'{{"claim": "{claim}", "type": "click"}}' for claim in claims]
    return {
        "like": Verb("PUT", "posts/{}/like", [""]),
        "favourite": Verb("PUT", "posts/{}/favorite", [""]),
        "follow": Verb("PUT", "users/{}/follow", [""], "relationships?ids={}"),
        "score": Verb("PUT", "ratings/{}/score", scores, "ratings?ids={}"),
        "comment": Verb("POST", "posts/{}/comments", ['{"text": "What a view, 真漂亮!"}']),
        "popup event": Verb("POST", f"popups/{POPUP}/events", events),
    }


def _server(env: Environment, stack: ExitStack, distance: str, tree: tuple[str, Path]) -> WebServer:
    variables = {"LANE": "on", "WEB_WORKERS": str(WORKERS), "WEB_THREADS": str(THREADS)}
    if distance == AWAY:
        proxy = stack.enter_context(run_latency_proxy(env.sql_port, round_trip_ms=1))
        variables["DATABASE_URL"] = env.variables["DATABASE_URL"].replace(f":{env.sql_port}/", f":{proxy.port}/")
    return stack.enter_context(env.web_server_of(tree[1], **variables))


def _seed(env: Environment, runs: int) -> None:
    """Have as many posts, users and items as all runs take, from the ids of the callers on, and nothing written to."""
    seed_posts.delete_all(env)
    needed = len(env.tokens) + (runs + 1) * TARGETS
    env.seed_users(needed)
    seed_posts.insert_posts(env, 1, needed, author=str(needed))
    env.sql(
        "INSERT IGNORE INTO ratings_item (id, title, created_at) "
        f"SELECT seq, CONCAT('Tea house ', seq), NOW() FROM seq_1_to_{needed}"
    )


def _measure_round(env: Environment, result: Result, server: WebServer, verb: Verb, first: int, seconds: float) -> None:
    ids = [len(env.tokens) + first + number for number in range(TARGETS)]
    common: dict[str, Any] = {"port": server.port, "tokens": env.tokens, "connections": CONNECTIONS}
    shown = [verb.shown_by.format(",".join(map(str, ids[at : at + 100]))) for at in range(0, len(ids), 100)]
    run_load(Workload(**common, paths=[f"/api/v1/{path}" for path in shown], requests=len(shown) * len(env.tokens)))
    paths = [f"/api/v1/{verb.path.format(pk)}" for pk in ids]
    meters = [database_meter(env.sql), redis_meter(env.redis)]
    load = partial(run_load, Workload(**common, method=verb.method, paths=paths, bodies=verb.bodies, seconds=seconds))
    result.measure(meters, cpu_meter(server.worker_pids), load)


def _lines(results: dict[Key, Result]) -> Iterator[list[Any]]:
    for key, result in results.items():
        s = result.summary()
        times = [f"{s['per_second']:,.0f}", f"{s['p50_ms']:.1f}", f"{s['p99_ms']:.1f}", f"{s['cpu_us']:,.0f}"]
        yield [*key, *times, f"{s['questions']:.2f}", f"{s['round_trips']:.2f}", s["errors"]]


def _targets(results: dict[Key, Result]) -> Iterator[report.Target]:
    for name in dict.fromkeys(name for name, _, _ in results):
        here, away = ([results[name, distance, tree] for tree in (NOW, BEFORE)] for distance in (HERE, AWAY))
        cpu = [ours / theirs for ours, theirs in zip(*(result.cpu_us for result in here), strict=True)]
        rates = [ours / theirs for ours, theirs in zip(*(_rates(result) for result in away), strict=True)]
        yield report.median_at_most(f"{name}: CPU now / before", cpu, MAX_CPU_RATIO)
        yield report.median_at_least(f"{name}: writes/s now / before, database 1 ms away", rates, MIN_RATE_RATIO)


def _rates(result: Result) -> list[float]:
    return [outcome.per_second for outcome in result.rounds]
