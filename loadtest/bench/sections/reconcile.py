"""Section `reconcile`: speed and exactness of manage.py reconcile_counters while other processes write."""

import re
import time
from typing import NamedTuple

from loadtest.bench import report, seed_follows
from loadtest.bench.environment import Environment
from loadtest.bench.follow_writers import FollowTask, FollowWriters

FULL, QUICK = 100_000, 20_000  # users
FOLLOWS_EACH, WRITERS = 5, 2
DRIFTED_EVERY = 100  # the counters of every 100th user are wrong
FEW_WRONG, ALL_WRONG = f"one user in {DRIFTED_EVERY} wrong", "none there"
TIMEOUT_S = 600.0  # of the writers' task; they are terminated with the run
MIN_PER_MIN = 200_000
HEADER = ("counters before", "targets", "mended", "seconds", "targets/min", "follows meanwhile", "wrong afterwards")
_SUMMARY = re.compile(r"(\d+) targets compared, (\d+) counters had drifted")


class Run(NamedTuple):
    """A run of the command: `seconds` include the start of the interpreter."""

    targets: int
    mended: int
    seconds: float
    follows_meanwhile: int
    wrong_afterwards: int

    @property
    def per_minute(self) -> float:
        return 60 * self.targets / self.seconds


def measure(env: Environment, users: int) -> report.SectionResult:
    """Measure targets per minute of reconcile_counters, with few and with all counters wrong; check the result."""
    report.print_heading(
        f"reconcile_counters: {users:,} users with {FOLLOWS_EACH} follows each, {WRITERS} processes follow"
    )
    env.seed_users(users)
    found = {
        FEW_WRONG: _run(env, users, drifted_every=DRIFTED_EVERY),
        ALL_WRONG: _run(env, users, drifted_every=1),
    }
    print(report.table(HEADER, [[name, *_cells(run)] for name, run in found.items()]))
    summaries = {name: {**run._asdict(), "per_minute": run.per_minute} for name, run in found.items()}
    exact = [
        report.exactly(f"reconcile, {name}, counters wrong afterwards", run.wrong_afterwards, 0)
        for name, run in found.items()
    ]
    return summaries, [
        report.at_least(f"reconcile, {FEW_WRONG}, targets/min", found[FEW_WRONG].per_minute, MIN_PER_MIN),
        *exact,
    ]


def _run(env: Environment, users: int, *, drifted_every: int) -> Run:
    _seed(env, users, drifted_every)
    with FollowWriters(env, WRITERS) as writers, env.background_command("rollup_counters"):
        writers.start(FollowTask(users=users, shift=FOLLOWS_EACH + 1, seconds=TIMEOUT_S))
        before, began = _count_follows(env), time.perf_counter()
        printed = env.run_command("reconcile_counters", "user", "--verbosity=0")
        seconds = time.perf_counter() - began
        meanwhile = _count_follows(env) - before
    targets, mended = map(int, _SUMMARY.findall(printed)[0])
    env.run_command("rollup_counters", "--once")
    return Run(targets, mended, seconds, meanwhile, _count_wrong(env))


def _seed(env: Environment, users: int, drifted_every: int) -> None:
    """Seed users that each follow the next FOLLOWS_EACH; the counters of every `drifted_every`th user are missing."""
    seed_follows.delete_all(env)
    seed_follows.insert_rows(
        env,
        f"SELECT follower.seq, 1 + (follower.seq + step.seq - 1) MOD {users}, NOW(6) "
        f"FROM seq_1_to_{users} follower, seq_1_to_{FOLLOWS_EACH} step",
    )
    for name in ("followers", "following"):
        seed_follows.insert_rows(
            env,
            f"SELECT 'user', seq, '{name}', {FOLLOWS_EACH}, 0 FROM seq_1_to_{users} WHERE seq MOD {drifted_every}",
            into="counters_counter (kind, target_id, name, value, last_delta_id)",
        )
    env.sql("ANALYZE TABLE social_follow, counters_counter")


def _count_follows(env: Environment) -> int:
    return int(env.sql("SELECT COUNT(*) FROM social_follow")[0][0])


def _count_wrong(env: Environment) -> int:
    """Return how many counters differ from the number of rows."""
    total = 0
    for name, owner in (("followers", "followee_id"), ("following", "follower_id")):
        rows = f"(SELECT {owner} AS pk, COUNT(*) AS number FROM social_follow GROUP BY {owner}) AS truth"
        counter = f"counter.kind = 'user' AND counter.name = '{name}' AND counter.target_id = truth.pk"
        ((wrong,),) = env.sql(
            f"SELECT COUNT(*) FROM {rows} LEFT JOIN counters_counter AS counter ON {counter} "
            "WHERE COALESCE(counter.value, 0) <> truth.number"
        )
        total += wrong
    return total


def _cells(run: Run) -> list[str]:
    seconds = f"{run.seconds:.1f}"
    counts = [f"{run.per_minute:,.0f}", f"{run.follows_meanwhile:,}", str(run.wrong_afterwards)]
    return [f"{run.targets:,}", f"{run.mended:,}", seconds, *counts]
