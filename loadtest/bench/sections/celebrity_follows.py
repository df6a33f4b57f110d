"""Everybody follows one celebrity at once, against the same number of follows spread over users."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from loadtest.bench import report
from loadtest.bench import seed_follows as graph
from loadtest.bench.environment import Ground
from loadtest.bench.follow_writers import Order, Writers
from loadtest.bench.lock_waits import watched
from loadtest.bench.meters import TICKS_PER_S, cpu_meter

PROCESSES = 8
CELEBRITIES = 100  # the last users; one of them a round, the others follow and are followed
WARM_UP_S, ROLL_UP = 1.0, ("rollup_counters",)
PAIR_LOCK = "social_pairlock"  # pairs that share a stripe wait for each other, whoever is in them
SLOWEST, LONGEST = 0.8, 2.0
HEAD = ("round", "follows of", "follows/s", "p50 ms", "p99 ms", "worst ms", "CPU µs", "lock waits", "seen on")
LEGEND = """\
CPU: of the writers, MariaDB and Redis together, per follow; unlike follows/s it hardly minds who else uses the machine.
Lock waits: of the whole server, writers and roll-up together, by InnoDB's own count; seen on: the tables of those that
lasted long enough to be met."""


class Round(NamedTuple):
    """`latencies_ms` sorted; `waits` by InnoDB's count, `seen` of them by table."""

    celebrity: int | None
    seconds: float
    latencies_ms: list[float]
    cpu_ticks: int
    waits: int
    seen: dict[str, int]

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_ticks / TICKS_PER_S / len(self.latencies_ms) * 1e6

    def percentile_ms(self, percent: float) -> float:
        return self.latencies_ms[min(len(self.latencies_ms) - 1, int(len(self.latencies_ms) * percent / 100))]

    def summary(self) -> dict[str, Any]:
        latencies = {f"p{percent}_ms": self.percentile_ms(percent) for percent in (50, 99, 100)}
        waits = {"lock_waits": self.waits, "lock_waits_seen": self.seen}
        return {"per_second": self.per_second, "cpu_us": self.cpu_us, **latencies, **waits}


def measure(ground: Ground, *, users: int, rounds: int, seconds: float) -> tuple[dict[str, Any], list[report.Target]]:
    report.section(f"Follows from {PROCESSES} processes as fast as they go, {seconds:g} s a round, the roll-up beside")
    graph.clear(ground)
    spread, hot, pending_off = [], [], 0
    with Writers(ground, PROCESSES) as writers, ground.beside(*ROLL_UP):
        _round(ground, writers, users, 0, None, WARM_UP_S)
        for turn in range(1, rounds + 1):
            # Each goes first in every other round: what grows meanwhile slows both alike.
            for celebrity in (None, users - turn)[:: 1 if turn % 2 else -1]:
                done = _round(ground, writers, users, turn, celebrity, seconds)
                (hot if celebrity else spread).append(done)
            pending_off += _off(ground, users - turn)
    ground.manage(*ROLL_UP, "--once")
    rolled_up_off = sum(_off(ground, each.celebrity, pending=False) for each in hot)
    print(report.table(HEAD, _lines(spread, hot)), LEGEND, sep="\n\n")
    found = {"spread": [each.summary() for each in spread], "celebrity": [each.summary() for each in hot]}
    return found, [*_targets(spread, hot), *_exact(pending_off, rolled_up_off)]


def _round(ground: Ground, writers: Writers, users: int, shift: int, celebrity: int | None, seconds: float) -> Round:
    order = Order(users=users - CELEBRITIES, shift=1 + shift, celebrity=celebrity, seconds=seconds)
    cpu = cpu_meter([*writers.pids, *ground.servers])
    with cpu.counted() as spent, ground.connect() as connection, watched(connection) as waits:
        answers = writers.carry_out(order)
    latencies = sorted(ms for answer in answers for ms in answer["latencies_ms"])
    longest_s = max(answer["seconds"] for answer in answers)
    return Round(celebrity, longest_s, latencies, spent["ticks"], waits.total, dict(waits.seen))


def _off(ground: Ground, pk: int | None, *, pending: bool = True) -> int:
    """By how much the counter differs from the rows, all in one statement."""
    of_user = f"kind = 'user' AND target_id = {pk} AND name = 'followers'"
    log = f"(SELECT COALESCE(SUM(amount), 0) FROM counters_delta WHERE {of_user})" if pending else "0"
    rolled_up = f"(SELECT COALESCE(SUM(value), 0) FROM counters_counter WHERE {of_user})"
    truth = f"(SELECT COUNT(*) FROM social_follow WHERE followee_id = {pk})"
    return abs(int(ground.sql(f"SELECT {truth} - {rolled_up} - {log}")[0][0]))


def _lines(spread: Sequence[Round], hot: Sequence[Round]) -> list[list[Any]]:
    return [
        [number, whom, *_cells(each)]
        for number, pair in enumerate(zip(spread, hot, strict=True), 1)
        for whom, each in zip(("many", "one"), pair, strict=True)
    ]


def _cells(each: Round) -> list[str]:
    times = [f"{each.percentile_ms(percent):,.1f}" for percent in (50, 99, 100)]
    seen = ", ".join(f"{table} ({count})" for table, count in each.seen.items())
    return [f"{each.per_second:,.0f}", *times, f"{each.cpu_us:,.0f}", str(each.waits), seen]


def _targets(spread: Sequence[Round], hot: Sequence[Round]) -> list[report.Target]:
    pairs = list(zip(hot, spread, strict=True))
    rates = [one.per_second / many.per_second for one, many in pairs]
    costs = [one.cpu_us / many.cpu_us for one, many in pairs]
    p99s = [one.percentile_ms(99) / many.percentile_ms(99) for one, many in pairs]
    # A wait that no look has met counts as one on the celebrity's rows.
    waits = sum(each.waits - each.seen.get(PAIR_LOCK, 0) for each in hot)
    return [
        report.exactly("follows of one celebrity: lock waits but for a shared stripe's", waits, 0),
        report.median_at_least("follows/s, of one celebrity / spread", rates, SLOWEST),
        report.median_at_most("CPU of a follow, of one celebrity / spread", costs, 1 / SLOWEST),
        report.median_at_most("p99 of a follow, of one celebrity / spread", p99s, LONGEST),
    ]


def _exact(pending_off: int, rolled_up_off: int) -> list[report.Target]:
    return [
        report.exactly("counter + pending − COUNT(*), while the roll-up runs", pending_off, 0),
        report.exactly("counter − COUNT(*), after the roll-up", rolled_up_off, 0),
    ]
