"""Compare variants of a request, which take turns in each round: what one request of each costs."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import report
from loadtest.bench.environment import Environment
from loadtest.bench.load_generator import Outcome, Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, Meter, commands_sent, cpu_meter, database_meter, redis_meter
from loadtest.bench.web_server import WebServer

WARM_UP_REQUESTS, MONITORED_REQUESTS = 200, 100
CONNECTIONS, THREADS = 8, 8
HEADER = (
    "variant", "req/s", "p50 ms", "p95 ms", "p99 ms", "CPU µs", "SQL", "SELECTs", "Redis cmds", "round trips", "errors",
)  # fmt: skip
LEGEND = """\
Medians of the rounds. CPU: user and system time of the worker process. SQL (statements of any kind), SELECTs, Redis
commands and round trips: per request, by the servers' own counters."""


class Scale(NamedTuple):
    """How often variants are measured, and for how long each time."""

    rounds: int
    seconds: float


class Variant(NamedTuple):
    """One of the compared requests. `paths` are requested in turn, and `prepare` is called before each measurement."""

    name: str
    paths: list[str]
    throttled: bool = False
    prepare: Callable[[], None] = lambda: None


@dataclass
class Result:
    """The measured rounds of a variant."""

    rounds: list[Outcome] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    commands: float = 0

    @property
    def requests(self) -> int:
        return sum(outcome.requests for outcome in self.rounds)

    def measure(self, meters: Iterable[Meter], cpu: Meter, send: Callable[[], Outcome]) -> None:
        """Add one round, in which `send` sends requests; `meters` count what servers do, `cpu` the workers' ticks."""
        with ExitStack() as stack:
            counted = [stack.enter_context(meter.counted()) for meter in meters]
            spent = stack.enter_context(cpu.counted())
            outcome = send()
        self.rounds.append(outcome)
        self.cpu_us.append(spent["ticks"] / TICKS_PER_S / outcome.requests * 1e6)
        for counts in counted:
            self.counts.update(counts)

    def per_request(self, name: str) -> float:
        """Return one of the servers' counts (`questions`, `com_select`, `round_trips`) per request."""
        return self.counts[name] / self.requests

    def summary(self) -> dict[str, float]:
        """Return the figures of the JSON file: medians of the rounds, and costs per request."""
        latencies = {f"p{percent}_ms": self._median_ms(percent) for percent in (50, 95, 99)}
        counts = {name: self.per_request(name) for name in ("questions", "com_select", "round_trips")}
        return {
            "requests": self.requests,
            "per_second": median(outcome.per_second for outcome in self.rounds),
            **latencies,
            "cpu_us": median(self.cpu_us),
            **counts,
            "redis_commands": self.commands,
            "errors": sum(sum(outcome.errors.values()) for outcome in self.rounds),
        }

    def _median_ms(self, percent: int) -> float:
        return median(outcome.percentile_ms(percent) for outcome in self.rounds)


def compare(
    env: Environment, variants: Sequence[Variant], *, rounds: int, seconds: float, **variables: str
) -> dict[str, Result]:
    """Measure the variants, print their table, and return their results by name.

    The cache is warm: it has the row of each user, and what the first requests of a variant have filled. `variables`
    are further environment variables of the web servers, such as LANE="on".
    """
    results = {variant.name: Result() for variant in variants}
    with Runner(env, variants, variables) as runner:
        for variant in variants:
            results[variant.name].commands = runner.redis_commands(variant)
        for _ in range(rounds):
            for variant in variants:
                runner.run(variant, seconds, results[variant.name])
    print(report.table(HEADER, list(_lines(results))), LEGEND, sep="\n\n")
    return results


def summaries(results: dict[str, Result]) -> dict[str, Any]:
    """Return the figures of all variants for the JSON file."""
    return {name: result.summary() for name, result in results.items()}


class Runner:
    """The web servers of the variants, with meters."""

    def __init__(self, env: Environment, variants: Sequence[Variant], variables: Mapping[str, str]) -> None:
        self._env, self._variables = env, variables
        self._tokens = env.tokens
        self._stack = ExitStack()
        self._variants = variants

    def __enter__(self) -> "Runner":
        self._servers: dict[bool, WebServer] = {
            throttled: self._stack.enter_context(self._web(throttled))
            for throttled in sorted({variant.throttled for variant in self._variants})
        }
        for web in self._servers.values():
            web.pin_workers_to_cores()
        self._meters: list[Meter] = [database_meter(self._env.sql), redis_meter(self._env.redis)]
        self._cpu = {throttled: cpu_meter(web.worker_pids) for throttled, web in self._servers.items()}
        self._env.run_command("warm_cache", "users.User", "--verbosity=0")
        for variant in self._variants:
            variant.prepare()
            self._send(variant, requests=WARM_UP_REQUESTS)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def _web(self, throttled: bool) -> Any:
        variables = {"THROTTLES": "on" if throttled else "off", **self._variables}
        return self._env.web_server(workers=1, threads=THREADS, **variables)

    def _send(self, variant: Variant, **limits: Any) -> Outcome:
        port = self._servers[variant.throttled].port
        return run_load(
            Workload(port=port, paths=variant.paths, tokens=self._tokens, connections=CONNECTIONS, **limits)
        )

    def redis_commands(self, variant: Variant) -> float:
        """Return how many Redis commands one request sends."""
        variant.prepare()
        sent = commands_sent(self._env.redis, lambda: self._send(variant, requests=MONITORED_REQUESTS))
        return sent.total() / MONITORED_REQUESTS

    def run(self, variant: Variant, seconds: float, result: Result) -> None:
        """Measure a variant for one round, and add it to `result`."""
        variant.prepare()
        result.measure(self._meters, self._cpu[variant.throttled], lambda: self._send(variant, seconds=seconds))


def _lines(results: dict[str, Result]) -> Iterator[list[Any]]:
    for name, result in results.items():
        s = result.summary()
        times = [f"{s['per_second']:,.0f}", f"{s['p50_ms']:.1f}", f"{s['p95_ms']:.1f}", f"{s['p99_ms']:.1f}"]
        counts = [f"{s[key]:.2f}" for key in ("questions", "com_select", "redis_commands", "round_trips")]
        yield [name, *times, f"{s['cpu_us']:,.0f}", *counts, s["errors"]]
