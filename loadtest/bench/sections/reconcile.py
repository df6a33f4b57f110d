"""Comparing all counters with their rows while others write: how fast, and whether it is exact."""

import re
import time
from typing import Any, NamedTuple

from loadtest.bench import report
from loadtest.bench import seed_follows as graph
from loadtest.bench.environment import Ground
from loadtest.bench.follow_writers import Order, Writers

FOLLOWS, WRITERS = 5, 2  # of each user; processes
DRIFTED_EVERY = 100  # of so many users, the counters of one are wrong
FEW_WRONG, ALL_WRONG = f"one user in {DRIFTED_EVERY} wrong", "none there"
LONGEST_S = 600.0  # the writers' order; they are ended with the run
LEAST_PER_MIN = 200_000
HEAD = ("counters before", "targets", "mended", "seconds", "targets/min", "follows meanwhile", "off afterwards")
_SUMMARY = re.compile(r"(\d+) targets compared, (\d+) counters had drifted")


class Run(NamedTuple):
    """`seconds`: of the whole command, the start of the interpreter included."""

    targets: int
    mended: int
    seconds: float
    follows_meanwhile: int
    off_afterwards: int

    @property
    def per_minute(self) -> float:
        return 60 * self.targets / self.seconds


def measure(ground: Ground, *, users: int) -> tuple[dict[str, Any], list[report.Target]]:
    report.section(f"reconcile_counters: {users:,} users with {FOLLOWS} follows each, {WRITERS} processes follow")
    ground.seed(users)
    found = {
        FEW_WRONG: _run(ground, users, drifted_every=DRIFTED_EVERY),
        ALL_WRONG: _run(ground, users, drifted_every=1),
    }
    print(report.table(HEAD, [[name, *_cells(run)] for name, run in found.items()]))
    summaries = {name: {**run._asdict(), "per_minute": run.per_minute} for name, run in found.items()}
    exact = [
        report.exactly(f"reconcile, {name}, counters off afterwards", run.off_afterwards, 0)
        for name, run in found.items()
    ]
    return summaries, [
        report.at_least(f"reconcile, {FEW_WRONG}, targets/min", found[FEW_WRONG].per_minute, LEAST_PER_MIN),
        *exact,
    ]


def _run(ground: Ground, users: int, *, drifted_every: int) -> Run:
    _seed(ground, users, drifted_every)
    with Writers(ground, WRITERS) as writers, ground.beside("rollup_counters"):
        writers.begin(Order(users=users, shift=FOLLOWS + 1, seconds=LONGEST_S))
        before, began = _follows(ground), time.perf_counter()
        printed = ground.manage("reconcile_counters", "user", "--verbosity=0")
        seconds = time.perf_counter() - began
        meanwhile = _follows(ground) - before
    targets, mended = map(int, _SUMMARY.search(printed).groups())
    ground.manage("rollup_counters", "--once")
    return Run(targets, mended, seconds, meanwhile, _off(ground))


def _seed(ground: Ground, users: int, drifted_every: int) -> None:
    """Each user follows the next few; the counters of every so many-th user are missing."""
    graph.clear(ground)
    graph.insert(
        ground,
        f"SELECT one.seq, 1 + (one.seq + far.seq - 1) MOD {users}, NOW(6) "
        f"FROM seq_1_to_{users} one, seq_1_to_{FOLLOWS} far",
    )
    for name in ("followers", "following"):
        graph.insert(
            ground,
            f"SELECT 'user', seq, '{name}', {FOLLOWS}, 0 FROM seq_1_to_{users} WHERE seq MOD {drifted_every}",
            into="counters_counter (kind, target_id, name, value, last_delta_id)",
        )
    ground.sql("ANALYZE TABLE social_follow, counters_counter")


def _follows(ground: Ground) -> int:
    return int(ground.sql("SELECT COUNT(*) FROM social_follow")[0][0])


def _off(ground: Ground) -> int:
    """Counters that are not what the rows say."""
    off = 0
    for name, owner in (("followers", "followee_id"), ("following", "follower_id")):
        rows = f"(SELECT {owner} AS pk, COUNT(*) AS number FROM social_follow GROUP BY {owner}) AS truth"
        counter = f"counter.kind = 'user' AND counter.name = '{name}' AND counter.target_id = truth.pk"
        ((wrong,),) = ground.sql(
            f"SELECT COUNT(*) FROM {rows} LEFT JOIN counters_counter AS counter ON {counter} "
            "WHERE COALESCE(counter.value, 0) <> truth.number"
        )
        off += wrong
    return off


def _cells(run: Run) -> list[str]:
    seconds = f"{run.seconds:.1f}"
    counts = [f"{run.per_minute:,.0f}", f"{run.follows_meanwhile:,}", str(run.off_afterwards)]
    return [f"{run.targets:,}", f"{run.mended:,}", seconds, *counts]
