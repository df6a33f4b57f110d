"""What a request of a session costs on servers that take turns: CPU, SQL statements and Redis round trips."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import report
from loadtest.bench.environment import Environment
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, database_meter, redis_meter
from loadtest.bench.session_players import SessionOutcome, Sessions, play_sessions
from loadtest.bench.web_server import WebServer

WARM_UPS = 2  # sessions of each caller, once each id has been asked for
HEADER = (
    "variant", "req/s", "p50 ms", "p99 ms", "CPU µs", "× first", "SQL", "trips", "MariaDB µs", "Redis µs", "errors",
)  # fmt: skip
LEGEND = """\
Medians of the rounds, per request of a session. CPU: of the web worker; then SQL statements and Redis round trips by
the servers' own counters, and the CPU of MariaDB and of Redis."""


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

    def summary(self) -> dict[str, float]:
        """Return the figures of the table and of the JSON file."""
        return {
            "requests": self.requests,
            "per_second": median(outcome.per_second for outcome in self.rounds),
            **{f"p{percent}_ms": median(each.percentile_ms(percent) for each in self.rounds) for percent in (50, 99)},
            "cpu_us": median(self.cpu_us),
            **{f"{name}_us": self.per_request(name) / TICKS_PER_S * 1e6 for name in ("database", "redis")},
            **{name: self.per_request(name) for name in ("questions", "round_trips")},
            "errors": self.errors.total(),
        }


class Stage(NamedTuple):
    """A running server, and the sessions that are played on it."""

    server: WebServer
    sessions: Sessions


def measured(env: Environment, stages: dict[str, Stage], *, rounds: int, seconds: float) -> dict[str, Cost]:
    """Let the servers take turns, print what a request of each costs, and return it by name."""
    costs = {name: Cost() for name in stages}
    for stage in stages.values():
        play_sessions(replace(stage.sessions, warms_up=True))
        play_sessions(replace(stage.sessions, sessions=WARM_UPS * len(stage.sessions.tokens)))
    for number in range(rounds):
        for name, stage in stages.items():
            _measure_round(env, costs[name], stage, seconds, seed=2 + number)
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
    s = cost.summary()
    times = [f"{s['per_second']:,.0f}", f"{s['p50_ms']:.1f}", f"{s['p99_ms']:.1f}"]
    cpu = [f"{s['cpu_us']:,.0f}", f"{s['cpu_us'] / first:.2f}"]
    others = [f"{s[key]:.2f}" for key in ("questions", "round_trips")]
    return [name, *times, *cpu, *others, *(f"{s[key]:,.0f}" for key in ("database_us", "redis_us")), s["errors"]]
