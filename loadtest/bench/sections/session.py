"""Section `session`: the CPU of a request of whole sessions, compared with peers, and with few and with many rows."""

import time
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

from loadtest.bench import peers, report
from loadtest.bench.environment import Environment
from loadtest.bench.peers import ORM, PROJECT, VARIABLES
from loadtest.bench.seed_sessions import FEW_CALLERS, ITEMS, POSTS, SessionTables, drop, seed
from loadtest.bench.session_costs import Cost, Stage, measured
from loadtest.bench.session_players import Sessions
from loadtest.bench.web_server import WebServer

CONNECTIONS = 32
MAX_OF_ORM, MAX_OF_PEERS, MAX_GROWTH = 0.05, 0.06, 1.1


class Scale(NamedTuple):
    """`rows`: of posts, likes and follows in the large tables; `callers`: users who play sessions on these."""

    rows: int = 10_000_000
    callers: int = 300
    rounds: int = 5
    seconds: float = 4


FULL, QUICK = Scale(), Scale(rows=700_000, callers=60, rounds=1, seconds=1)


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure sessions on all servers with large tables, and on the project with small and with large tables."""
    report.print_heading(
        f"Sessions: one worker, {peers.THREADS} threads, {CONNECTIONS} connections, {env.users:,} users, Zipf"
    )
    small, large = SessionTables("few_rows", env.users, POSTS), SessionTables("many_rows", env.users, scale.rows)
    for tables in (small, large):
        began = time.monotonic()
        seed(env, tables, everybody=tables is large)
        print(f"{tables.rows:,} posts, likes and follows: inserted in {time.monotonic() - began:.0f} s", flush=True)
    by_server, by_rows = _compare_servers(env, large, scale), _compare_rows(env, (small, large), scale)
    for tables in (small, large):
        drop(env, tables)
    figures = {name: cost.summary() for name, cost in {**by_server, **by_rows}.items()}
    return figures, [*_targets(by_server), *_growth(by_rows)]


def sessions_on(server: WebServer, tables: SessionTables, tokens: dict[str, str]) -> Sessions:
    """Return the sessions of the users that the tokens belong to."""
    return Sessions(
        port=server.port, tokens=tokens, users=tables.users, owners=tables.owners, connections=CONNECTIONS,
        first_post=tables.rows - POSTS + 1, last_post=tables.rows, items=ITEMS,
    )  # fmt: skip


def _compare_servers(env: Environment, tables: SessionTables, scale: Scale) -> dict[str, Cost]:
    tokens = peers.sign_tokens(env, tables, range(1, env.users + 1, env.users // scale.callers))
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(peers.running(env, tables, name, redis_database=number))
            for number, name in enumerate(VARIABLES)
        }
        stages = {name: Stage(server, sessions_on(server, tables, tokens)) for name, server in servers.items()}
        return measured(env, stages, rounds=scale.rounds, seconds=scale.seconds)


def _compare_rows(env: Environment, both: tuple[SessionTables, ...], scale: Scale) -> dict[str, Cost]:
    """Let the FEW_CALLERS, who follow the same people in both, play on small and on large tables."""
    stages = {}
    with ExitStack() as stack:
        for number, tables in enumerate(both, start=len(VARIABLES)):
            server = stack.enter_context(peers.running(env, tables, PROJECT, redis_database=number))
            tokens = peers.sign_tokens(env, tables, range(1, FEW_CALLERS + 1))
            stages[f"{PROJECT}, {tables.rows:,} rows"] = Stage(server, sessions_on(server, tables, tokens))
        return measured(env, stages, rounds=scale.rounds, seconds=scale.seconds)


def _targets(costs: dict[str, Cost]) -> list[report.Target]:
    ours = costs[PROJECT].cpu_us
    best = min((name for name in costs if name != PROJECT), key=lambda name: median(costs[name].cpu_us))
    return [
        report.median_at_most(f"session, CPU {PROJECT} / {ORM}", peers.ratios(ours, costs[ORM].cpu_us), MAX_OF_ORM),
        report.median_at_most(
            f"session, CPU {PROJECT} / the best peer ({best})", peers.ratios(ours, costs[best].cpu_us), MAX_OF_PEERS
        ),
        *(report.exactly(f"session, errors of {name}", cost.errors.total(), 0) for name, cost in costs.items()),
    ]


def _growth(costs: dict[str, Cost]) -> list[report.Target]:
    (small, few), (large, many) = costs.items()
    growth = peers.ratios(many.cpu_us, few.cpu_us)
    errors = sum(cost.errors.total() for cost in costs.values())
    return [
        report.median_at_most(f"session, CPU {large} / {small}", growth, MAX_GROWTH),
        report.exactly("session, errors with few and with many rows", errors, 0),
    ]
