"""The busiest hour, a lost web host, a lost Redis master and a celebrity's post, simulated.

All workers, Redis masters and cores of the writers are simulated, for as long as REQUESTS requests take.
"""

import random
from typing import Any, NamedTuple

from loadtest.sizing.arithmetic import Plan
from loadtest.sizing.constants import Measured
from loadtest.sizing.simulation import Result, Route, Simulation, Station
from loadtest.sizing.workload import NOT_CACHED

REQUESTS = 30_000
SATURATED = 0.95


class Outcome(NamedTuple):
    """What a scenario comes to: shares of the time for which servers are busy (of Redis: the busiest master),
    latencies, and the most requests that were in the database at once."""

    name: str
    per_second: float
    web: float
    redis: float
    database: float
    p50_ms: float
    p99_ms: float
    database_inside: int

    def verdict(self, connections: int) -> str:
        """Say whether it goes well."""
        for what, busy in (("web", self.web), ("Redis", self.redis), ("the database", self.database)):
            if busy > SATURATED:
                return f"{what} is saturated: the queue grows for as long as it lasts"
        return "below its connections" if self.database_inside <= connections else "requests wait for a connection"


class Fault(NamedTuple):
    """What is different in a scenario: the workers and Redis masters that are gone, the share of one hot key."""

    name: str
    workers_lost: int = 0
    masters_lost: int = 0
    hot: float = 0.0


def faults(plan: Plan, assumed: Any) -> list[Fault]:
    """Return the scenarios for a plan."""
    return [
        Fault("the busiest hour"),
        Fault("a web host is lost", workers_lost=plan.workers // plan.hosts),
        Fault("a Redis master is lost", masters_lost=1),
        Fault("a celebrity's post", hot=assumed.celebrity),
    ]


def simulate(plan: Plan, assumed: Any, measured: Measured, fault: Fault, *, requests: int = REQUESTS) -> Outcome:
    """Simulate one scenario."""
    system = _System(plan, assumed, measured, fault)
    return system.outcome(plan.per_second, Simulation(system.new_route, requests).open(plan.per_second))


class _System:
    def __init__(self, plan: Plan, assumed: Any, measured: Measured, fault: Fault) -> None:
        self._assumed, self._costs, self._fault = assumed, measured.requests, fault
        self._workers = [Station(1) for _ in range(plan.workers - fault.workers_lost)]
        self._masters = [Station(1) for _ in range(plan.masters)]
        self._gone = self._masters[-fault.masters_lost :] if fault.masters_lost else []
        self._database = Station(plan.writers * int(assumed.database_cores))
        self._kinds, self._weights = list(assumed.mix), list(assumed.mix.values())

    def new_route(self, chance: random.Random) -> Route:
        """Draw a request: its kind, its worker, the Redis master of its keys, and whether it is a hit."""
        kind = chance.choices(self._kinds, self._weights)[0]
        worker = chance.choice(self._workers)
        master = self._masters[0] if chance.random() < self._fault.hot else chance.choice(self._masters)
        lost = master in self._gone
        if kind not in NOT_CACHED and (lost or chance.random() > self._assumed.hit_rate):
            kind = "miss"
        cost = self._costs[kind]
        asked = [] if lost else [(master, cost.redis_us)]
        loaded = [(self._database, cost.database_us)] if cost.statements else []
        steps = [*asked, *loaded]
        turn = (worker, cost.web_us / (len(steps) + 1))
        return [turn, *(step for each in steps for step in (each, turn))]

    def outcome(self, per_second: float, result: Result) -> Outcome:
        """Return the figures of a run."""
        return Outcome(
            self._fault.name,
            per_second,
            sum(map(result.utilization, self._workers)) / len(self._workers),
            max(map(result.utilization, self._masters)),
            result.utilization(self._database),
            result.percentile_ms(50),
            result.percentile_ms(99),
            self._database.most_inside,
        )
