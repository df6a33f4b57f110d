"""Section `peers`: the CPU of single reads, on the hot lane and as built with the ORM, cacheops and cachalot."""

from contextlib import ExitStack
from statistics import median
from typing import Any

from loadtest.bench import peers, report
from loadtest.bench.compare import Scale
from loadtest.bench.environment import Environment
from loadtest.bench.load_generator import Outcome, Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, cpu_meter
from loadtest.bench.peers import VARIABLES
from loadtest.bench.seed_sessions import FEW_CALLERS, POSTS, SessionTables, drop, seed
from loadtest.bench.web_server import WebServer
from loadtest.load.zipf import Zipf

CONNECTIONS, PATHS, BATCH = 16, 100, 50
FULL, QUICK = Scale(rounds=5, seconds=0.8), Scale(rounds=1, seconds=0.4)
API = "/api/v1"
LEGEND = """\
CPU µs of a request: user and system time of the only worker, which is pinned to a core; medians of the rounds, warm.
The peers' home page and feed have four queries more than the first: counts, likes, favourites and blocks."""
Costs = dict[tuple[str, str], list[float]]  # by the names of the read and the server, in each round


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure the reads of a session one by one, on each server in turn."""
    report.print_heading(
        f"Peers, warm: one worker, {peers.THREADS} threads, {CONNECTIONS} connections, {env.users:,} users, Zipf"
    )
    tables = SessionTables("peers_rows", env.users, POSTS)
    seed(env, tables, everybody=False)
    costs, errors = _measure_costs(env, tables, scale)
    drop(env, tables)
    lines = [
        [read, *(f"{median(costs[read, server]):,.0f}" for server in VARIABLES)]
        for read in dict.fromkeys(read for read, _ in costs)
    ]
    print(report.table(("CPU µs", *VARIABLES), lines), LEGEND, sep="\n\n")
    figures = {f"{read}, {server}": rounds for (read, server), rounds in costs.items()}
    return figures, [report.exactly(f"peers, errors of {server}", count, 0) for server, count in errors.items()]


def reads(tables: SessionTables) -> dict[str, list[str]]:
    """Return the paths of each read: few, so that all are warm."""
    people, posts = Zipf(range(1, tables.users + 1), seed=1), Zipf(range(1, POSTS + 1), seed=2)
    owners = Zipf(tables.owners[:500], seed=3)
    users, newest = ([",".join(map(str, ids.draw_distinct(BATCH))) for _ in range(PATHS)] for ids in (people, posts))
    return {
        "users/me": [f"{API}/users/me"],
        "users/{id}": [f"{API}/users/{pk}" for pk in people.draw(PATHS)],
        f"users?ids, {BATCH}": [f"{API}/users?ids={ids}" for ids in users],
        f"profiles, {BATCH}": [f"{API}/users/profiles?ids={ids}" for ids in users],
        f"relationships, {BATCH}": [f"{API}/relationships?ids={ids}" for ids in users],
        f"counters, {BATCH}": [f"{API}/counters?targets=post:{ids.replace(',', ',post:')}" for ids in newest],
        f"favorites/check, {BATCH}": [f"{API}/favorites/check?ids={ids}" for ids in newest],
        f"posts?ids, {BATCH}": [f"{API}/posts?ids={ids}" for ids in newest],
        "home page": [f"{API}/users/{pk}/posts" for pk in owners.draw(PATHS)],
        "comments": [f"{API}/posts/{pk}/comments" for pk in posts.draw(PATHS)],
        "feed": [f"{API}/feed"],
    }


def _measure_costs(env: Environment, tables: SessionTables, scale: Scale) -> tuple[Costs, dict[str, int]]:
    tokens = list(peers.sign_tokens(env, tables, range(1, FEW_CALLERS + 1)).values())
    paths, errors = reads(tables), dict.fromkeys(VARIABLES, 0)
    costs: Costs = {(read, server): [] for read in paths for server in VARIABLES}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(peers.running(env, tables, name, redis_database=number))
            for number, name in enumerate(VARIABLES)
        }
        for read, server in costs:
            _send(servers[server], paths[read], tokens, requests=2 * PATHS)
        for _ in range(scale.rounds):
            for (read, server), rounds in costs.items():
                cpu_us, failed = _round(servers[server], paths[read], tokens, scale.seconds)
                rounds.append(cpu_us)
                errors[server] += failed
    return costs, errors


def _round(server: WebServer, paths: list[str], tokens: list[str], seconds: float) -> tuple[float, int]:
    """Return the CPU of a request in µs, and the number of errors."""
    with cpu_meter(server.worker_pids).counted() as cpu:
        outcome = _send(server, paths, tokens, seconds=seconds)
    return cpu["ticks"] / TICKS_PER_S / outcome.requests * 1e6, sum(outcome.errors.values())


def _send(server: WebServer, paths: list[str], tokens: list[str], **limits: Any) -> Outcome:
    return run_load(Workload(port=server.port, paths=paths, tokens=tokens, connections=CONNECTIONS, **limits))
