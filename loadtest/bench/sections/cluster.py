"""Section `cluster`: the CPU of the hot lane on a Redis Cluster of three masters, compared with one Redis, in turn."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import product
from statistics import mean, median
from typing import Any

from devtools import servers
from devtools.redis_cluster import RedisCluster
from devtools.redis_node import RedisNode
from loadtest.bench import report
from loadtest.bench.compare import Scale
from loadtest.bench.environment import CALLERS, Environment
from loadtest.bench.load_generator import Outcome, Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, redis_meter
from loadtest.bench.web_server import WebServer

THREADS, CONNECTIONS, MASTERS = 8, 64, 3
FULL, QUICK = Scale(rounds=25, seconds=0.5), Scale(rounds=1, seconds=0.5)
PATHS, BATCH, LOGGED = 1_000, 50, 500
API = "/api/v1"
SHARDS = 12  # of popups
USER, BATCHED = "users/{id}", f"users of {BATCH}"
NOTHING_DUE, CLAIM = "popups/next, nothing due", "popups/next, claim made"
MOST = {USER: 1.3, BATCHED: 2.0, NOTHING_DUE: 1.3, CLAIM: 1.3}
EVEN = {USER: 0.15, BATCHED: 0.15, NOTHING_DUE: 0.15, CLAIM: 0.15}
"""Reads whose keys are spread over the servers, with the greatest difference of a server's commands from the mean."""
ONE, CLUSTER = "one Redis", f"Cluster of {MASTERS}"
LEGEND = """\
CPU µs of a request: user and system time of the only worker, which is pinned to a core; medians of the rounds, and of
their ratios. SQL: statements of a request in a pass of its own, without those of the thread that looks for pending
invalidations and for other runs of Redis. Shares: each server's commands, in relation to an even share."""


@dataclass
class Cost:
    """The cost of one read on one topology; CPU per request in each round, the other counts in total."""

    cpu_us: list[float] = field(default_factory=list)
    sql: float = 0
    errors: int = 0
    requests: int = 0
    commands: Counter[int] = field(default_factory=Counter)

    def shares(self) -> list[float]:
        """Return each server's share of the commands, in relation to an even one."""
        return [count / mean(self.commands.values()) for _, count in sorted(self.commands.items())]


Costs = dict[tuple[str, str], Cost]  # by names of the read and the topology


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure CPU, SQL, and how evenly the servers are used, of each read on both topologies."""
    report.print_heading(f"Hot lane on a Cluster, warm: one worker, {CONNECTIONS} connections, {env.users:,} users")
    popups = "('Hello', 'A popup', 'once', 24), ('Hello', 'A popup', 'again', 0)"
    env.sql(f"INSERT INTO popups_popup (title, body, placement, reshow_hours) VALUES {popups}")
    paths = reads(env.users)
    with _servers(env) as nodes, ExitStack() as stack:
        env.run_command("shard_popups", str(SHARDS), REDIS_URL=nodes[CLUSTER][0])
        webs = {
            name: stack.enter_context(env.web_server(workers=1, threads=THREADS, LANE="on", REDIS_URL=url))
            for name, (url, _) in nodes.items()
        }
        for web, read in product(webs.values(), paths):
            web.pin_workers_to_cores()
            _send(env, web, paths[read], requests=2 * max(len(paths[read]), 4 * CALLERS))
        costs: Costs = {(read, name): Cost() for read in paths for name in webs}
        for _, read, name in product(range(scale.rounds), paths, webs):
            _measure_round(env, costs[read, name], webs[name], nodes[name][1], paths[read], scale.seconds)
        for (read, name), cost in costs.items():
            cost.sql = _statements(env, webs[name], paths[read]) / LOGGED
    print(report.table(("CPU µs", ONE, CLUSTER, "ratio", "SQL", "shares"), list(_lines(costs))), LEGEND, sep="\n\n")
    return {f"{read}, {name}": vars(cost) for (read, name), cost in costs.items()}, _targets(costs)


def reads(users: int) -> dict[str, list[str]]:
    """Return the paths of each read, with users drawn evenly."""
    draw, everybody = random.Random(17), range(1, users + 1)
    batches = [",".join(map(str, draw.sample(everybody, BATCH))) for _ in range(PATHS // 10)]
    return {
        USER: [f"{API}/users/{pk}" for pk in draw.sample(everybody, PATHS)],
        BATCHED: [f"{API}/users?ids={ids}" for ids in batches],
        NOTHING_DUE: [f"{API}/popups/next?placement=once&platform=ios&app_version=3.2.0"],
        CLAIM: [f"{API}/popups/next?placement=again&platform=ios&app_version=3.2.0"],
    }


@contextmanager
def _servers(env: Environment) -> Iterator[dict[str, tuple[str, list[RedisNode]]]]:
    """Run one Redis, and a Cluster, while the block lasts: the REDIS_URL and the servers of each, by name."""
    binary = servers.program("redis-server") or "redis-server"
    one = RedisNode(binary, env.folder / "one")
    cluster = RedisCluster(binary, env.folder / "cluster", masters=MASTERS, replicas=0)
    try:
        one.start()
        cluster.start()
        yield {ONE: (f"redis://127.0.0.1:{one.port}/0", [one]), CLUSTER: (cluster.url, cluster.nodes)}
    finally:
        one.end()
        cluster.end()


def _send(env: Environment, web: WebServer, paths: list[str], **limits: Any) -> Outcome:
    return run_load(Workload(port=web.port, paths=paths, tokens=env.tokens, connections=CONNECTIONS, **limits))


def _measure_round(
    env: Environment, cost: Cost, web: WebServer, nodes: list[RedisNode], paths: list[str], seconds: float
) -> None:
    # The others had their turns: after 20 s without claims, a process first asks which servers have replicas.
    _send(env, web, paths, requests=4 * CALLERS)
    with ExitStack() as stack:
        counted = [stack.enter_context(redis_meter(stack.enter_context(node.client())).counted()) for node in nodes]
        cpu = stack.enter_context(cpu_meter(web.worker_pids).counted())
        outcome = _send(env, web, paths, seconds=seconds)
    cost.cpu_us.append(cpu["ticks"] / TICKS_PER_S / outcome.requests * 1e6)
    cost.requests += outcome.requests
    cost.errors += sum(outcome.errors.values())
    cost.commands.update({number: each["commands"] for number, each in enumerate(counted)})


def _statements(env: Environment, web: WebServer, paths: list[str]) -> int:
    """Return the number of statements that LOGGED requests send to tables, without those of caching's own thread."""
    with env.logged_statements() as statements:
        _send(env, web, paths, requests=LOGGED)
    return sum("`" in each and "`caching_" not in each for each in statements)


def _ratios(costs: Costs, read: str) -> list[float]:
    """Return the ratio of each round, in which other load affects both alike."""
    pairs = zip(costs[read, CLUSTER].cpu_us, costs[read, ONE].cpu_us, strict=True)
    return [ours / theirs for ours, theirs in pairs]


def _lines(costs: Costs) -> Iterator[list[Any]]:
    for read in dict.fromkeys(read for read, _ in costs):
        cluster = costs[read, CLUSTER]
        cells = [f"{median(costs[read, name].cpu_us):,.0f}" for name in (ONE, CLUSTER)]
        shares = " ".join(f"{share:.0%}" for share in cluster.shares())
        yield [read, *cells, f"{median(_ratios(costs, read)):.2f}", f"{cluster.sql:.2f}", shares]


def _targets(costs: Costs) -> list[report.Target]:
    targets = []
    for read, limit in MOST.items():
        cost = costs[read, CLUSTER]
        targets.append(report.median_at_most(f"{CLUSTER} / {ONE}, {read}, CPU", _ratios(costs, read), limit))
        targets.append(report.exactly(f"{CLUSTER}: {read}, SQL", cost.sql, 0))
    for read, limit in EVEN.items():
        difference = max(abs(share - 1) for share in costs[read, CLUSTER].shares())
        targets.append(report.median_at_most(f"{CLUSTER}: {read}, greatest difference", [difference], limit))
    return [*targets, report.exactly("cluster, errors", sum(cost.errors for cost in costs.values()), 0)]
