"""Section `celebrity-follows`: many users follow one celebrity at once, compared with follows spread over all users."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from loadtest.bench import report, seed_follows
from loadtest.bench.compare import Scale
from loadtest.bench.environment import Environment
from loadtest.bench.follow_writers import FollowTask, FollowWriters
from loadtest.bench.lock_waits import count_lock_waits
from loadtest.bench.meters import TICKS_PER_S, cpu_meter

FULL, QUICK = Scale(rounds=4, seconds=10), Scale(rounds=1, seconds=2)
PROCESSES = 8
CELEBRITIES = 100  # the last users: one is the celebrity of a round; all other users follow and are followed
WARM_UP_S, ROLL_UP = 1.0, ("rollup_counters",)
PAIR_LOCK = "social_pairlock"  # two pairs of users may share a stripe, and then wait for each other
MIN_RATE_RATIO, MAX_P99_RATIO = 0.8, 2.0
HEADER = ("round", "follows of", "follows/s", "p50 ms", "p99 ms", "worst ms", "CPU µs", "lock waits", "observed on")
LEGEND = """\
CPU: of the writers, MariaDB and Redis together, per follow; unlike follows/s it hardly depends on other load.
Lock waits: of the whole server, writers and roll-up together, as InnoDB counts them; observed on: the tables of the
waits that lasted long enough to appear in InnoDB's monitor."""


class Round(NamedTuple):
    """A round of follows. `latencies_ms` are sorted; `lock_waits` is InnoDB's count, `observed_waits` is by table."""

    celebrity: int | None
    seconds: float
    latencies_ms: list[float]
    cpu_ticks: int
    lock_waits: int
    observed_waits: dict[str, int]

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
        waits = {"lock_waits": self.lock_waits, "observed_waits": self.observed_waits}
        return {"per_second": self.per_second, "cpu_us": self.cpu_us, **latencies, **waits}


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure follows per second, latencies, CPU and lock waits, of one celebrity and spread; check the counters."""
    report.print_heading(
        f"Follows from {PROCESSES} processes as fast as they can, {scale.seconds:g} s a round, during the roll-up"
    )
    seed_follows.delete_all(env)
    users, pending_drift = env.users, 0
    spread: list[Round] = []
    hot: list[Round] = []
    with FollowWriters(env, PROCESSES) as writers, env.background_command(*ROLL_UP):
        _run_round(env, writers, 0, None, WARM_UP_S)
        for turn in range(1, scale.rounds + 1):
            # Each goes first in every other round, as growing tables slow down whatever comes later.
            for celebrity in (None, users - turn)[:: 1 if turn % 2 else -1]:
                done = _run_round(env, writers, turn, celebrity, scale.seconds)
                (hot if celebrity else spread).append(done)
            pending_drift += _drift(env, users - turn)
    env.run_command(*ROLL_UP, "--once")
    rolled_up_drift = sum(_drift(env, each.celebrity, pending=False) for each in hot)
    print(report.table(HEADER, _lines(spread, hot)), LEGEND, sep="\n\n")
    found = {"spread": [each.summary() for each in spread], "celebrity": [each.summary() for each in hot]}
    return found, [*_targets(spread, hot), *_exact(pending_drift, rolled_up_drift)]


def _run_round(env: Environment, writers: FollowWriters, shift: int, celebrity: int | None, seconds: float) -> Round:
    task = FollowTask(users=env.users - CELEBRITIES, shift=1 + shift, celebrity=celebrity, seconds=seconds)
    cpu = cpu_meter([*writers.pids, env.redis_pid, env.mariadb_pid])
    with cpu.counted() as spent, env.connect() as connection, count_lock_waits(connection) as waits:
        answers = writers.run(task)
    latencies = sorted(ms for answer in answers for ms in answer["latencies_ms"])
    longest_s = max(answer["seconds"] for answer in answers)
    return Round(celebrity, longest_s, latencies, spent["ticks"], waits.total, dict(waits.observed))


def _drift(env: Environment, pk: int | None, *, pending: bool = True) -> int:
    """Return by how much the counter of followers differs from the rows, read in one statement.

    `pending`: add the deltas that the roll-up has not folded yet to the counter.
    """
    of_user = f"kind = 'user' AND target_id = {pk} AND name = 'followers'"
    log = f"(SELECT COALESCE(SUM(amount), 0) FROM counters_delta WHERE {of_user})" if pending else "0"
    rolled_up = f"(SELECT COALESCE(SUM(value), 0) FROM counters_counter WHERE {of_user})"
    rows = f"(SELECT COUNT(*) FROM social_follow WHERE followee_id = {pk})"
    return abs(int(env.sql(f"SELECT {rows} - {rolled_up} - {log}")[0][0]))


def _lines(spread: Sequence[Round], hot: Sequence[Round]) -> list[list[Any]]:
    return [
        [number, followees, *_cells(each)]
        for number, pair in enumerate(zip(spread, hot, strict=True), 1)
        for followees, each in zip(("many", "one"), pair, strict=True)
    ]


def _cells(each: Round) -> list[str]:
    times = [f"{each.percentile_ms(percent):,.1f}" for percent in (50, 99, 100)]
    observed = ", ".join(f"{table} ({count})" for table, count in each.observed_waits.items())
    return [f"{each.per_second:,.0f}", *times, f"{each.cpu_us:,.0f}", str(each.lock_waits), observed]


def _targets(spread: Sequence[Round], hot: Sequence[Round]) -> list[report.Target]:
    pairs = list(zip(hot, spread, strict=True))
    rates = [one.per_second / many.per_second for one, many in pairs]
    costs = [one.cpu_us / many.cpu_us for one, many in pairs]
    p99s = [one.percentile_ms(99) / many.percentile_ms(99) for one, many in pairs]
    # A wait that was not observed is counted as a wait for a row of the celebrity.
    waits = sum(each.lock_waits - each.observed_waits.get(PAIR_LOCK, 0) for each in hot)
    return [
        report.exactly("follows of one celebrity: lock waits, except for a shared stripe", waits, 0),
        report.median_at_least("follows/s, of one celebrity / spread", rates, MIN_RATE_RATIO),
        report.median_at_most("CPU of a follow, of one celebrity / spread", costs, 1 / MIN_RATE_RATIO),
        report.median_at_most("p99 of a follow, of one celebrity / spread", p99s, MAX_P99_RATIO),
    ]


def _exact(pending_drift: int, rolled_up_drift: int) -> list[report.Target]:
    return [
        report.exactly("counter + pending − COUNT(*), while the roll-up runs", pending_drift, 0),
        report.exactly("counter − COUNT(*), after the roll-up", rolled_up_drift, 0),
    ]
