"""What a warm request costs, by each way to answer it."""

from typing import Any

from loadtest.bench import report
from loadtest.bench.compare import CONNECTIONS, THREADS, Result, Variant, compare, summaries
from loadtest.bench.environment import Ground
from loadtest.load.zipf import Zipf

BATCH = 50
PATHS, BATCH_PATHS = 4_000, 1_000  # drawn ahead
EMPTY, ORM, CACHED, THROTTLED = "empty Django view", "ORM + ModelSerializer", "cached", "cached, throttled"
LEGEND = "A throttle's script is one command that calls three more inside Redis."


def measure(ground: Ground, *, users: int, rounds: int, seconds: float) -> tuple[dict[str, Any], list[report.Target]]:
    report.section(f"Warm requests: one worker, {THREADS} threads, {CONNECTIONS} connections, {users:,} users, Zipf")
    results = compare(ground, variants(users), rounds=rounds, seconds=seconds)
    print(LEGEND)
    return summaries(results), _targets(results)


def variants(users: int) -> list[Variant]:
    zipf = Zipf(range(1, users + 1), seed=1)
    ids = zipf.draw(PATHS)
    batches = [",".join(map(str, zipf.distinct(BATCH))) for _ in range(BATCH_PATHS)]
    own, ours = "/baseline/users", "/api/v1/users"
    return [
        Variant(EMPTY, ["/baseline/empty"]),
        Variant(f"one user, {ORM}", [f"{own}/{pk}" for pk in ids]),
        Variant(f"one user, {CACHED}", [f"{ours}/{pk}" for pk in ids]),
        Variant(f"one user, {THROTTLED}", [f"{ours}/{pk}" for pk in ids], throttled=True),
        Variant(f"batch of {BATCH}, {ORM}", [f"{own}?ids={batch}" for batch in batches]),
        Variant(f"batch of {BATCH}, {CACHED}", [f"{ours}?ids={batch}" for batch in batches]),
        Variant(f"batch of {BATCH}, {THROTTLED}", [f"{ours}?ids={batch}" for batch in batches], throttled=True),
    ]


def _targets(results: dict[str, Result]) -> list[report.Target]:
    targets = []
    for what, limit in (("one user", 0.30), (f"batch of {BATCH}", 0.20)):
        cached, orm = results[f"{what}, {CACHED}"], results[f"{what}, {ORM}"]
        # Within a round both met the same machine; between rounds it may have had other things to do.
        ratios = [ours / theirs for ours, theirs in zip(cached.cpu_us, orm.cpu_us, strict=True)]
        targets.append(report.median_at_most(f"{what}, CPU cached / ORM", ratios, limit))
        for name in (CACHED, THROTTLED):
            ours = results[f"{what}, {name}"]
            targets.append(report.exactly(f"{what}, {name}, SQL", ours.per_request("questions"), 0))
            targets.append(report.exactly(f"{what}, {name}, Redis round trips", ours.per_request("round_trips"), 1))
    return targets
