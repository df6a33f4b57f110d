"""Counts of 50 targets at once, and what a target's counters cost in Redis."""

from typing import Any

from loadtest.bench import load_generator as client
from loadtest.bench import report
from loadtest.bench import seed_follows as graph
from loadtest.bench.compare import CONNECTIONS, THREADS, WARM_UP, Variant, compare, summaries
from loadtest.bench.environment import Ground
from loadtest.load.zipf import Zipf

TARGETS = 50
COUNTS = f"{TARGETS} users"
KIND, NAMES = "sample", ("one", "two", "three", "four")  # as loadtest.baselines declares it
VALUE = 70_000  # five bytes each; most counters are smaller
MEASURED, AT_ONCE, MOST_BYTES = 20_000, 200, 100
HEAD = ("targets", "counters each", "bytes a target")


def measure(ground: Ground, *, users: int, rounds: int, seconds: float) -> tuple[dict[str, Any], list[report.Target]]:
    report.section(f"Counts, warm: one worker, {THREADS} threads, {CONNECTIONS} connections, {users:,} users, Zipf")
    _seed(ground, users)
    results = compare(ground, [_variant(users)], rounds=rounds, seconds=seconds)
    used = _bytes_of_a_target(ground)
    print(report.table(HEAD, [[f"{MEASURED:,}", len(NAMES), f"{used:.1f}"]]))
    cached = results[COUNTS]
    return {**summaries(results), "bytes_of_four_counters": used}, [
        report.exactly(f"counts of {TARGETS} targets, SQL", cached.per_request("questions"), 0),
        report.exactly(f"counts of {TARGETS} targets, Redis round trips", cached.per_request("round_trips"), 1),
        report.at_most("bytes in Redis of a target's four counters, key and overhead included", used, MOST_BYTES),
    ]


def _variant(users: int) -> Variant:
    """So few paths that the warm-up asks for each twice: the first requests of a worker, before it knows that it may
    use Redis, fill nothing."""
    zipf = Zipf(range(1, users + 1), seed=4)
    return Variant(COUNTS, [_path("user", zipf.distinct(TARGETS)) for _ in range(WARM_UP // 2)])


def _path(kind: str, ids: Any) -> str:
    return f"/api/v1/counters?targets={','.join(f'{kind}:{pk}' for pk in ids)}"


def _seed(ground: Ground, users: int) -> None:
    graph.clear(ground)
    for kind, names, first, count in (
        ("user", ("followers", "following"), 1, users),
        (KIND, NAMES, graph.FAR, MEASURED),
    ):
        for name in names:
            graph.insert(
                ground,
                f"SELECT '{kind}', {first - 1} + seq, '{name}', {VALUE} + seq, seq FROM seq_1_to_{count}",
                into="counters_counter (kind, target_id, name, value, last_delta_id)",
            )


def _bytes_of_a_target(ground: Ground) -> float:
    """By the growth of Redis' memory, which unlike MEMORY USAGE has the dictionary of expiries in it."""
    ids = [range(start, start + AT_ONCE) for start in range(graph.FAR, graph.FAR + MEASURED, AT_ONCE)]
    tokens = ground.tokens[:1]
    with ground.web(workers=1, threads=2) as web:
        order = {"port": web.port, "tokens": tokens, "connections": 1}
        client.run(client.Order(paths=["/api/v1/users/me"], requests=2, **order))  # the caller is in Redis
        before = ground.redis.info("memory")["used_memory"]
        outcome = client.run(client.Order(paths=[_path(KIND, each) for each in ids], requests=len(ids), **order))
        used = ground.redis.info("memory")["used_memory"] - before
    if outcome.errors:
        raise SystemExit(f"Counters could not be read: {outcome.errors}.")
    return used / MEASURED
