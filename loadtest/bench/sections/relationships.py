"""Section `relationships`: the caller's relationships to 50 and 100 users, by SQL and by id sets."""

from loadtest.bench import report, seed_follows
from loadtest.bench.compare import CONNECTIONS, THREADS, Result, Scale, Variant, compare, summaries
from loadtest.bench.environment import CALLERS, Environment
from loadtest.load.zipf import Zipf

FEW, MANY = 50, 100
PATHS = 1_000  # drawn before the measurement
FOLLOWS, BLOCKS = 500, 10  # of each caller, in either direction
SQL, CACHED = "SQL, EXISTS for each edge", "id sets"
FULL, QUICK = Scale(rounds=7, seconds=1.5), Scale(rounds=1, seconds=0.5)


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure latency, CPU, SQL and Redis round trips of warm requests for relationships, by SQL and by id sets."""
    callers = f"callers with {FOLLOWS} follows and {BLOCKS} blocks in either direction"
    report.print_heading(f"Relationships, warm: one worker, {THREADS} threads, {CONNECTIONS} connections, {callers}")
    _seed(env)
    results = compare(env, variants(env.users), rounds=scale.rounds, seconds=scale.seconds)
    return summaries(results), _targets(results)


def variants(users: int) -> list[Variant]:
    """Return the variants: requests for 50 and for 100 of the `users`, by SQL and by id sets."""
    zipf = Zipf(range(1, users + 1), seed=3)
    ids = {size: [",".join(map(str, zipf.draw_distinct(size))) for _ in range(PATHS)] for size in (FEW, MANY)}
    return [
        Variant(f"{size} ids, {variant}", [f"{address}?ids={each}" for each in ids[size]])
        for size in (FEW, MANY)
        for variant, address in ((SQL, "/baseline/relationships"), (CACHED, "/api/v1/relationships"))
    ]


def _seed(env: Environment) -> None:
    """Insert edges from each caller to every 7th of the following users, and to each caller from every 11th."""
    seed_follows.delete_all(env)
    for table, one, other, count in (
        ("social_follow", "follower_id", "followee_id", FOLLOWS),
        ("social_block", "blocker_id", "blocked_id", BLOCKS),
    ):
        for owner, member, step in ((one, other, 7), (other, one, 11)):
            other_id = f"1 + (caller.seq + {step} * edge.seq) MOD {env.users}"
            seed_follows.insert_rows(
                env,
                f"SELECT caller.seq, {other_id}, NOW(6) FROM seq_1_to_{CALLERS} caller, seq_1_to_{count} edge "
                f"WHERE {other_id} > {CALLERS}",
                into=f"{table} ({owner}, {member}, created_at)",
            )
        env.sql(f"ANALYZE TABLE {table}")


def _targets(results: dict[str, Result]) -> list[report.Target]:
    targets = []
    for size in (FEW, MANY):
        cached, sql = (results[f"{size} ids, {variant}"] for variant in (CACHED, SQL))
        ratios = [ours / theirs for ours, theirs in zip(cached.cpu_us, sql.cpu_us, strict=True)]
        targets += [
            report.exactly(f"relationships of {size} ids, SQL", cached.per_request("questions"), 0),
            report.exactly(f"relationships of {size} ids, Redis round trips", cached.per_request("round_trips"), 1),
            report.median_at_most(f"relationships of {size} ids, CPU id sets / SQL", ratios, 1),
        ]
    return targets
