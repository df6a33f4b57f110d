"""The model against a real run on this machine: CPU of a request, throughput and latency of a mix of reads.

Each kind of request is measured by itself, then the mix. The mix is predicted from the kinds: its CPU is their mean,
and a simulation of one worker with as many clients gives throughput and latency. Other programs take time of the
worker's core; the share that the worker got is measured, and the simulated worker is as fast.
"""

import random
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench.report import print_heading, table
from loadtest.sizing import measure
from loadtest.sizing.constants import Cost
from loadtest.sizing.measure import Run
from loadtest.sizing.simulation import Route, Simulation, Station

MIX = {"user": 0.3, "counts": 0.2, "favorites": 0.15, "relationships": 0.1, "popup": 0.17, "home": 0.08}
CLIENTS = 32
TOLERANCE = 0.2
SIMULATED = 20_000


class Compared(NamedTuple):
    """A figure as it was predicted and as it was measured."""

    figure: str
    predicted: float
    measured: float
    is_bounded: bool = True

    @property
    def difference(self) -> float:
        """The prediction's distance from what was measured."""
        return self.predicted / self.measured - 1

    @property
    def holds(self) -> bool:
        """Whether the prediction is as near as it has to be."""
        return not self.is_bounded or abs(self.difference) <= TOLERANCE


def check(assumed: Any) -> bool:
    """Print the comparison; return whether all bounded figures hold."""
    with measure.servers() as (env, web):
        kinds = {name: sample for name, sample in measure.samples().items() if name in MIX}
        mixed = _mixed(kinds)
        for sample in (*kinds.values(), mixed):
            measure.send(env, web, sample, requests=1_000)
        costs: dict[str, list[Cost]] = {name: [] for name in kinds}
        runs = []
        for _ in range(measure.ROUNDS):
            for name, sample in kinds.items():
                costs[name].append(measure.cost_of(env, web, sample, assumed.seconds / 20))
            runs.append(measure.run_of(env, web, mixed, assumed.seconds / measure.ROUNDS, CLIENTS))
    means = {name: Cost(*map(median, zip(*found, strict=True))) for name, found in costs.items()}
    compared = compare(means, Run(*_medians(runs)))
    print_heading(f"One worker, {CLIENTS} clients, {assumed.seconds:g} s: predicted and measured")
    print(table(("", "predicted", "measured", "difference", f"within {TOLERANCE:.0%}"), list(map(_line, compared))))
    return all(each.holds for each in compared)


def compare(costs: dict[str, Cost], run: Run) -> list[Compared]:
    """Return what the model says beside what was measured."""
    web_us, redis_us = (
        sum(MIX[name] * getattr(costs[name], field) for name in MIX) for field in ("web_us", "redis_us")
    )
    worker, redis = Station(1, run.core_share), Station(1)

    def new_route(chance: random.Random) -> Route:
        cost = costs[chance.choices(list(MIX), list(MIX.values()))[0]]
        return [(worker, cost.web_us / 2), (redis, cost.redis_us), (worker, cost.web_us / 2)]

    simulated = Simulation(new_route, SIMULATED).closed(CLIENTS)
    return [
        Compared("web CPU of a request, µs", web_us, run.cost.web_us),
        Compared("Redis CPU of a request, µs", redis_us, run.cost.redis_us, is_bounded=False),
        Compared("requests a second", simulated.per_second, run.per_second),
        Compared("latency p50, ms", simulated.percentile_ms(50), run.p50_ms),
        Compared("latency p99, ms", simulated.percentile_ms(99), run.p99_ms, is_bounded=False),
    ]


def _line(each: Compared) -> list[str]:
    verdict = "not asked" if not each.is_bounded else "holds" if each.holds else "DOES NOT HOLD"
    return [each.figure, f"{each.predicted:,.2f}", f"{each.measured:,.2f}", f"{each.difference:+.0%}", verdict]


def _mixed(kinds: dict[str, measure.Sample]) -> measure.Sample:
    """Return a sample with the paths of the kinds in the shares of MIX, shuffled."""
    chance = random.Random(5)
    drawn = chance.choices(list(MIX), list(MIX.values()), k=5_000)
    return measure.Sample([chance.choice(kinds[name].paths) for name in drawn])


def _medians(runs: list[Run]) -> tuple[Cost, float, float, float, float]:
    cost, *figures = zip(*runs, strict=True)
    return (Cost(*map(median, zip(*cost, strict=True))), *map(median, figures))
