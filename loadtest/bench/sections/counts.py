"""Section `counts`: the counters of 50 targets in one request, and the memory of a target's counters in Redis."""

from collections.abc import Iterable
from functools import partial

from loadtest.bench import report, seed_follows
from loadtest.bench.compare import CONNECTIONS, THREADS, WARM_UP_REQUESTS, Scale, Variant, compare, summaries
from loadtest.bench.environment import Environment
from loadtest.bench.load_generator import Workload, run_load
from loadtest.load.zipf import Zipf

TARGETS = 50
COUNTS = f"{TARGETS} users"
KIND, NAMES = "sample", ("one", "two", "three", "four")  # declared in loadtest/baselines/apps.py
VALUE = 70_000  # five bytes each; most counters are smaller
MEASURED_TARGETS, TARGETS_PER_REQUEST, MAX_BYTES = 20_000, 200, 100
HEADER = ("targets", "counters each", "bytes a target")
FULL, QUICK = Scale(rounds=7, seconds=1.5), Scale(rounds=1, seconds=0.5)


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure a warm request for the counters of 50 users, and the Redis bytes of a target's four counters."""
    report.print_heading(
        f"Counts, warm: one worker, {THREADS} threads, {CONNECTIONS} connections, {env.users:,} users, Zipf"
    )
    _seed(env)
    results = compare(env, [_variant(env.users)], rounds=scale.rounds, seconds=scale.seconds)
    bytes_each = _bytes_per_target(env)
    print(report.table(HEADER, [[f"{MEASURED_TARGETS:,}", len(NAMES), f"{bytes_each:.1f}"]]))
    cached = results[COUNTS]
    return {**summaries(results), "bytes_of_four_counters": bytes_each}, [
        report.exactly(f"counts of {TARGETS} targets, SQL", cached.per_request("questions"), 0),
        report.exactly(f"counts of {TARGETS} targets, Redis round trips", cached.per_request("round_trips"), 1),
        report.at_most("bytes in Redis of a target's four counters, key and overhead included", bytes_each, MAX_BYTES),
    ]


def _variant(users: int) -> Variant:
    """Return the variant, with so few paths that the warm-up requests each twice.

    The first requests of a worker fill nothing, because it does not know yet whether it may use the cache.
    """
    zipf = Zipf(range(1, users + 1), seed=4)
    return Variant(COUNTS, [_path("user", zipf.draw_distinct(TARGETS)) for _ in range(WARM_UP_REQUESTS // 2)])


def _path(kind: str, ids: Iterable[int]) -> str:
    return f"/api/v1/counters?targets={','.join(f'{kind}:{pk}' for pk in ids)}"


def _seed(env: Environment) -> None:
    seed_follows.delete_all(env)
    for kind, names, first, count in (
        ("user", ("followers", "following"), 1, env.users),
        (KIND, NAMES, seed_follows.FIRST_UNUSED_ID, MEASURED_TARGETS),
    ):
        for name in names:
            seed_follows.insert_rows(
                env,
                f"SELECT '{kind}', {first - 1} + seq, '{name}', {VALUE} + seq, seq FROM seq_1_to_{count}",
                into="counters_counter (kind, target_id, name, value, last_delta_id)",
            )


def _bytes_per_target(env: Environment) -> float:
    """Measure by the growth of Redis' memory, which unlike MEMORY USAGE includes the dictionary of expiry times."""
    first = seed_follows.FIRST_UNUSED_ID
    starts = range(first, first + MEASURED_TARGETS, TARGETS_PER_REQUEST)
    paths = [_path(KIND, range(start, start + TARGETS_PER_REQUEST)) for start in starts]
    tokens = env.tokens[:1]
    with env.web_server(workers=1, threads=2) as web:
        workload = partial(Workload, port=web.port, tokens=tokens, connections=1)
        run_load(workload(paths=["/api/v1/users/me"], requests=2))  # caches the caller's own row
        before = env.redis.info("memory")["used_memory"]
        outcome = run_load(workload(paths=paths, requests=len(paths)))
        used = env.redis.info("memory")["used_memory"] - before
    if outcome.errors:
        raise SystemExit(f"Counters could not be read: {outcome.errors}.")
    return used / MEASURED_TARGETS
