"""Ways to answer a request, in turn: what one request of each costs."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import load_generator as client
from loadtest.bench import report
from loadtest.bench.environment import Ground, Web
from loadtest.bench.meters import TICKS_PER_S, Meter, commands_sent, cpu_meter, database_meter, redis_meter

WARM_UP, TAPPED = 200, 100  # requests
CONNECTIONS, THREADS = 8, 8
HEAD = (
    "variant", "req/s", "p50 ms", "p95 ms", "p99 ms", "CPU µs", "SQL", "SELECTs", "Redis cmds", "round trips", "errors",
)  # fmt: skip
LEGEND = """\
Medians of the rounds. CPU: user and system time of the worker process. SQL (statements of any kind), SELECTs, Redis
commands and round trips: per request, by the servers' own counters."""


class Variant(NamedTuple):
    """Paths are asked for in turn, and repeated when used up; before each time, `arrange` is called."""

    name: str
    paths: list[str]
    throttled: bool = False
    arrange: Callable[[], None] = lambda: None


@dataclass
class Result:
    """One variant's rounds."""

    rounds: list[client.Outcome] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    commands: float = 0

    @property
    def requests(self) -> int:
        return sum(outcome.requests for outcome in self.rounds)

    def per_request(self, name: str) -> float:
        return self.counts[name] / self.requests

    def summary(self) -> dict[str, float]:
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


def compare(ground: Ground, variants: Sequence[Variant], *, rounds: int, seconds: float) -> dict[str, Result]:
    """Prints the table. Everything is warm: each user's row, and whatever the first requests of a variant fill."""
    results = {variant.name: Result() for variant in variants}
    with Bench(ground, variants) as bench:
        for variant in variants:
            results[variant.name].commands = bench.commands(variant)
        for _ in range(rounds):
            for variant in variants:
                bench.run(variant, seconds, results[variant.name])
    print(report.table(HEAD, list(_lines(results))), LEGEND, sep="\n\n")
    return results


def summaries(results: dict[str, Result]) -> dict[str, Any]:
    return {name: result.summary() for name, result in results.items()}


class Bench:
    """The web servers of the variants, and the meters on them."""

    def __init__(self, ground: Ground, variants: Sequence[Variant]) -> None:
        self._ground = ground
        self._tokens = ground.tokens
        self._stack = ExitStack()
        self._variants = variants

    def __enter__(self) -> "Bench":
        self._servers: dict[bool, Web] = {
            throttled: self._stack.enter_context(self._web(throttled))
            for throttled in sorted({variant.throttled for variant in self._variants})
        }
        for web in self._servers.values():
            web.keep_to_one_core()
        self._meters: list[Meter] = [database_meter(self._ground.sql), redis_meter(self._ground.redis)]
        self._cpu = {throttled: cpu_meter(web.workers) for throttled, web in self._servers.items()}
        self._ground.manage("warm_cache", "users.User", "--verbosity=0")
        for variant in self._variants:
            variant.arrange()
            self._ask(variant, requests=WARM_UP)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def _web(self, throttled: bool) -> Any:
        return self._ground.web(workers=1, threads=THREADS, THROTTLES="on" if throttled else "off")

    def _ask(self, variant: Variant, **limits: Any) -> client.Outcome:
        port = self._servers[variant.throttled].port
        return client.run(
            client.Order(port=port, paths=variant.paths, tokens=self._tokens, connections=CONNECTIONS, **limits)
        )

    def commands(self, variant: Variant) -> float:
        """Redis commands that one request sends."""
        variant.arrange()
        sent = commands_sent(self._ground.redis, lambda: self._ask(variant, requests=TAPPED))
        return sent.total() / TAPPED

    def run(self, variant: Variant, seconds: float, result: Result) -> None:
        variant.arrange()
        with ExitStack() as stack:
            counted = [stack.enter_context(meter.counted()) for meter in self._meters]
            cpu = stack.enter_context(self._cpu[variant.throttled].counted())
            outcome = self._ask(variant, seconds=seconds)
        result.rounds.append(outcome)
        result.cpu_us.append(cpu["ticks"] / TICKS_PER_S / outcome.requests * 1e6)
        for counts in counted:
            result.counts.update(counts)


def _lines(results: dict[str, Result]) -> Iterator[list[Any]]:
    for name, result in results.items():
        s = result.summary()
        times = [f"{s['per_second']:,.0f}", f"{s['p50_ms']:.1f}", f"{s['p95_ms']:.1f}", f"{s['p99_ms']:.1f}"]
        counts = [f"{s[key]:.2f}" for key in ("questions", "com_select", "redis_commands", "round_trips")]
        yield [name, *times, f"{s['cpu_us']:,.0f}", *counts, s["errors"]]
