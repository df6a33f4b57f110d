"""What is between a caller and 50 people: the SQL that it took before, against id sets."""

from typing import Any

from loadtest.bench import report
from loadtest.bench import seed_follows as graph
from loadtest.bench.compare import CONNECTIONS, THREADS, Result, Variant, compare, summaries
from loadtest.bench.environment import CALLERS, Ground
from loadtest.load.zipf import Zipf

FEW, MANY = 50, 100
PATHS = 1_000  # drawn ahead
EDGES, BLOCKS = 500, 10  # of each caller, in either direction
SQL, CACHED = "SQL, EXISTS for each edge", "id sets"


def measure(ground: Ground, *, users: int, rounds: int, seconds: float) -> tuple[dict[str, Any], list[report.Target]]:
    of_each = f"callers with {EDGES} follows and {BLOCKS} blocks in either direction"
    report.section(f"Relationships, warm: one worker, {THREADS} threads, {CONNECTIONS} connections, {of_each}")
    _seed(ground, users)
    results = compare(ground, variants(users), rounds=rounds, seconds=seconds)
    return summaries(results), _targets(results)


def variants(users: int) -> list[Variant]:
    zipf = Zipf(range(1, users + 1), seed=3)
    ids = {size: [",".join(map(str, zipf.distinct(size))) for _ in range(PATHS)] for size in (FEW, MANY)}
    return [
        Variant(f"{size} ids, {way}", [f"{address}?ids={each}" for each in ids[size]])
        for size in (FEW, MANY)
        for way, address in ((SQL, "/baseline/relationships"), (CACHED, "/api/v1/relationships"))
    ]


def _seed(ground: Ground, users: int) -> None:
    """The edges of a caller go to every 7th, and come from every 11th, of the users after them."""
    graph.clear(ground)
    for table, one, other, count in (
        ("social_follow", "follower_id", "followee_id", EDGES),
        ("social_block", "blocker_id", "blocked_id", BLOCKS),
    ):
        for owner, member, step in ((one, other, 7), (other, one, 11)):
            far = f"1 + (caller.seq + {step} * edge.seq) MOD {users}"
            graph.insert(
                ground,
                f"SELECT caller.seq, {far}, NOW(6) FROM seq_1_to_{CALLERS} caller, seq_1_to_{count} edge "
                f"WHERE {far} > {CALLERS}",
                into=f"{table} ({owner}, {member}, created_at)",
            )
        ground.sql(f"ANALYZE TABLE {table}")


def _targets(results: dict[str, Result]) -> list[report.Target]:
    targets = []
    for size in (FEW, MANY):
        cached, sql = (results[f"{size} ids, {way}"] for way in (CACHED, SQL))
        ratios = [ours / theirs for ours, theirs in zip(cached.cpu_us, sql.cpu_us, strict=True)]
        targets += [
            report.exactly(f"relationships of {size} ids, SQL", cached.per_request("questions"), 0),
            report.exactly(f"relationships of {size} ids, Redis round trips", cached.per_request("round_trips"), 1),
            report.median_at_most(f"relationships of {size} ids, CPU id sets / SQL", ratios, 1),
        ]
    return targets
