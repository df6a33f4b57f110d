"""Section `requests`: the cost of a warm request, answered by the ORM, by the cache, and by an empty view."""

from loadtest.bench import report
from loadtest.bench.compare import CONNECTIONS, THREADS, Result, Scale, Variant, compare, summaries
from loadtest.bench.environment import Environment
from loadtest.load.zipf import Zipf

BATCH = 50
PATHS, BATCH_PATHS = 4_000, 1_000  # drawn before the measurement
EMPTY, ORM, CACHED, THROTTLED = "empty Django view", "ORM + ModelSerializer", "cached", "cached, throttled"
LEGEND = "A throttle's script is one command that calls three more inside Redis."
FULL, QUICK = Scale(rounds=7, seconds=1.5), Scale(rounds=1, seconds=0.5)


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure latency, CPU, SQL and Redis round trips of warm requests for one user and for a batch of users."""
    report.print_heading(
        f"Warm requests: one worker, {THREADS} threads, {CONNECTIONS} connections, {env.users:,} users, Zipf"
    )
    results = compare(env, variants(env.users), rounds=scale.rounds, seconds=scale.seconds)
    print(LEGEND)
    return summaries(results), _targets(results)


def variants(users: int) -> list[Variant]:
    """Return the variants: an empty view, and one user and a batch by the ORM, cached, and cached with a throttle."""
    zipf = Zipf(range(1, users + 1), seed=1)
    ids = zipf.draw(PATHS)
    batches = [",".join(map(str, zipf.draw_distinct(BATCH))) for _ in range(BATCH_PATHS)]
    orm, cached = "/baseline/users", "/api/v1/users"
    return [
        Variant(EMPTY, ["/baseline/empty"]),
        Variant(f"one user, {ORM}", [f"{orm}/{pk}" for pk in ids]),
        Variant(f"one user, {CACHED}", [f"{cached}/{pk}" for pk in ids]),
        Variant(f"one user, {THROTTLED}", [f"{cached}/{pk}" for pk in ids], throttled=True),
        Variant(f"batch of {BATCH}, {ORM}", [f"{orm}?ids={batch}" for batch in batches]),
        Variant(f"batch of {BATCH}, {CACHED}", [f"{cached}?ids={batch}" for batch in batches]),
        Variant(f"batch of {BATCH}, {THROTTLED}", [f"{cached}?ids={batch}" for batch in batches], throttled=True),
    ]


def _targets(results: dict[str, Result]) -> list[report.Target]:
    targets = []
    for request, limit in (("one user", 0.30), (f"batch of {BATCH}", 0.20)):
        cached, orm = results[f"{request}, {CACHED}"], results[f"{request}, {ORM}"]
        # Ratios are taken within a round: other load on the machine then affects both variants alike.
        ratios = [ours / theirs for ours, theirs in zip(cached.cpu_us, orm.cpu_us, strict=True)]
        targets.append(report.median_at_most(f"{request}, CPU cached / ORM", ratios, limit))
        for name in (CACHED, THROTTLED):
            result = results[f"{request}, {name}"]
            targets.append(report.exactly(f"{request}, {name}, SQL", result.per_request("questions"), 0))
            trips = result.per_request("round_trips")
            targets.append(report.exactly(f"{request}, {name}, Redis round trips", trips, 1))
    return targets
