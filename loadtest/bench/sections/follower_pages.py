"""A page of a celebrity's followers: the first, and those a million edges deep."""

from typing import Any

from loadtest.bench import report
from loadtest.bench import seed_follows as graph
from loadtest.bench.compare import CONNECTIONS, THREADS, Result, Variant, compare, summaries
from loadtest.bench.environment import Ground

FIRST, DEEP = "first page", "deep pages"
DEEP_PAGES, PAGE = 100, 20
ALIKE = 1.5


def measure(
    ground: Ground, *, users: int, followers: int, deep: int, rounds: int, seconds: float
) -> tuple[dict[str, Any], list[report.Target]]:
    report.section(
        f"Followers of a user with {followers:,}, by pages of {PAGE}, the deep ones from edge {deep:,} on: "
        f"one worker, {THREADS} threads, {CONNECTIONS} connections"
    )
    celebrity = graph.celebrity(ground, users=users, followers=followers, deep=deep)
    path = f"/api/v1/users/{celebrity.id}/followers"
    depths = [str(deep + PAGE * number) for number in range(min(DEEP_PAGES, graph.pages(users) // PAGE))]
    cursors = ground.manage("cursors_of_followers", str(celebrity.id), *depths).split()
    variants = [Variant(FIRST, [path]), Variant(DEEP, [f"{path}?cursor={cursor}" for cursor in cursors])]
    results = compare(ground, variants, rounds=rounds, seconds=seconds)
    return summaries(results), _targets(results)


def _targets(results: dict[str, Result]) -> list[report.Target]:
    first, deep = results[FIRST], results[DEEP]
    rounds = list(zip(deep.rounds, first.rounds, strict=True))
    cpu = list(zip(deep.cpu_us, first.cpu_us, strict=True))
    return [
        report.median_at_most("follower page, p50 deep / first", [_p50(d) / _p50(f) for d, f in rounds], ALIKE),
        report.median_at_most("follower page, p50 first / deep", [_p50(f) / _p50(d) for d, f in rounds], ALIKE),
        report.median_at_most("follower page, CPU deep / first", [d / f for d, f in cpu], ALIKE),
        report.exactly("follower page, SQL", deep.per_request("questions"), 1),
    ]


def _p50(outcome: Any) -> float:
    return outcome.percentile_ms(50)
