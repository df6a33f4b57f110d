"""Section `session`: the CPU of a request of whole sessions, compared with peers, and with few and with many rows."""

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import peers, report
from loadtest.bench.environment import Environment
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, database_meter, redis_meter
from loadtest.bench.peers import ORM, PROJECT, VARIABLES
from loadtest.bench.seed_sessions import FEW_CALLERS, ITEMS, POSTS, SessionTables, drop, seed
from loadtest.bench.session_players import SessionOutcome, Sessions, play_sessions
from loadtest.bench.web_server import WebServer

CONNECTIONS, WARM_UPS = 32, 2
MAX_OF_ORM, MAX_OF_PEERS, MAX_GROWTH = 0.05, 0.06, 1.1
HEADER = (
    "variant", "req/s", "p50 ms", "p99 ms", "CPU µs", "× first", "SQL", "trips", "MariaDB µs", "Redis µs", "errors",
)  # fmt: skip
LEGEND = """\
Medians of the rounds, per request of a session. CPU: of the web worker; then SQL statements and Redis round trips by
the servers' own counters, and the CPU of MariaDB and of Redis."""


class Scale(NamedTuple):
    """`rows`: of posts, likes and follows in the large tables; `callers`: users who play sessions on these."""

    rows: int = 10_000_000
    callers: int = 1_000
    rounds: int = 5
    seconds: float = 4


FULL, QUICK = Scale(), Scale(rows=1_000_000, callers=60, rounds=1, seconds=1)


@dataclass
class Cost:
    """What the sessions of one server cost, by round."""

    cpu_us: list[float] = field(default_factory=list)
    rounds: list[SessionOutcome] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return sum(outcome.requests for outcome in self.rounds)

    def per_request(self, name: str) -> float:
        """Return one of the servers' counts per request."""
        return self.counts[name] / self.requests


class Stage(NamedTuple):
    """A running server, and the sessions that are played on it."""

    server: WebServer
    sessions: Sessions


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
    figures = {name: _summary(cost) for name, cost in {**by_server, **by_rows}.items()}
    return figures, [*_targets(by_server), *_growth(by_rows)]


def sessions_on(server: WebServer, tables: SessionTables, tokens: dict[str, str]) -> Sessions:
    """Return the sessions of the users that the tokens belong to."""
    newest = {"first_post": tables.rows - POSTS + 1, "last_post": tables.rows, "items": ITEMS}
    return Sessions(
        port=server.port, tokens=tokens, users=tables.users, owners=tables.owners, connections=CONNECTIONS, **newest
    )


def _compare_servers(env: Environment, tables: SessionTables, scale: Scale) -> dict[str, Cost]:
    tokens = peers.sign_tokens(env, tables, range(1, env.users + 1, env.users // scale.callers))
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(peers.running(env, tables, name, redis_database=number))
            for number, name in enumerate(VARIABLES)
        }
        stages = {name: Stage(server, sessions_on(server, tables, tokens)) for name, server in servers.items()}
        return _measured(env, stages, scale)


def _compare_rows(env: Environment, both: tuple[SessionTables, ...], scale: Scale) -> dict[str, Cost]:
    """Let the FEW_CALLERS, who follow the same people in both, play on small and on large tables."""
    stages = {}
    with ExitStack() as stack:
        for number, tables in enumerate(both, start=len(VARIABLES)):
            server = stack.enter_context(peers.running(env, tables, PROJECT, redis_database=number))
            tokens = peers.sign_tokens(env, tables, range(1, FEW_CALLERS + 1))
            stages[f"{PROJECT}, {tables.rows:,} rows"] = Stage(server, sessions_on(server, tables, tokens))
        return _measured(env, stages, scale)


def _measured(env: Environment, stages: dict[str, Stage], scale: Scale) -> dict[str, Cost]:
    """Let the servers take turns, print what a request of each costs, and return it by name."""
    costs = {name: Cost() for name in stages}
    for stage in stages.values():
        play_sessions(replace(stage.sessions, sessions=WARM_UPS * len(stage.sessions.tokens)))
    for number in range(scale.rounds):
        for name, stage in stages.items():
            _measure_round(env, costs[name], stage, scale.seconds, seed=2 + number)
    first = median(next(iter(costs.values())).cpu_us)
    print(
        report.table(HEADER, [_line(name, cost, first) for name, cost in costs.items()]), LEGEND, sep="\n\n", end="\n\n"
    )
    for name, cost in costs.items():
        if cost.errors:
            print(f"Errors of {name}:", dict(cost.errors))
    return costs


def _measure_round(env: Environment, cost: Cost, stage: Stage, seconds: float, *, seed: int) -> None:
    meters = {
        "web": cpu_meter(stage.server.worker_pids), "database": cpu_meter([env.mariadb_pid]),
        "redis": cpu_meter([env.redis_pid]),
    }  # fmt: skip
    with ExitStack() as stack:
        cpu = {name: stack.enter_context(meter.counted()) for name, meter in meters.items()}
        sql, trips = (
            stack.enter_context(meter.counted()) for meter in (database_meter(env.sql), redis_meter(env.redis))
        )
        outcome = play_sessions(replace(stage.sessions, seconds=seconds, seed=seed))
    cost.cpu_us.append(cpu["web"]["ticks"] / TICKS_PER_S / outcome.requests * 1e6)
    cost.rounds.append(outcome)
    cost.errors.update(outcome.errors)
    cost.counts.update({name: cpu[name]["ticks"] for name in ("database", "redis")})
    cost.counts.update(sql + trips)


def _line(name: str, cost: Cost, first: float) -> list[Any]:
    s = _summary(cost)
    times = [f"{s['per_second']:,.0f}", f"{s['p50_ms']:.1f}", f"{s['p99_ms']:.1f}"]
    cpu = [f"{s['cpu_us']:,.0f}", f"{s['cpu_us'] / first:.2f}"]
    others = [f"{s[key]:.2f}" for key in ("questions", "round_trips")]
    return [name, *times, *cpu, *others, *(f"{s[key]:,.0f}" for key in ("database_us", "redis_us")), s["errors"]]


def _summary(cost: Cost) -> dict[str, float]:
    return {
        "requests": cost.requests,
        "per_second": median(outcome.per_second for outcome in cost.rounds),
        **{f"p{percent}_ms": median(each.percentile_ms(percent) for each in cost.rounds) for percent in (50, 99)},
        "cpu_us": median(cost.cpu_us),
        **{f"{name}_us": cost.per_request(name) / TICKS_PER_S * 1e6 for name in ("database", "redis")},
        **{name: cost.per_request(name) for name in ("questions", "round_trips")},
        "errors": cost.errors.total(),
    }


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
