"""Section `follower-pages`: pages of a celebrity's followers, the first page and pages a million edges deep."""

from typing import NamedTuple

from loadtest.bench import report, seed_follows
from loadtest.bench.compare import CONNECTIONS, THREADS, Result, Variant, compare, summaries
from loadtest.bench.environment import Environment
from loadtest.bench.load_generator import Outcome

FIRST, DEEP = "first page", "deep pages"
DEEP_PAGES, PAGE = 100, 20
MAX_RATIO = 1.5


class Scale(NamedTuple):
    """The size of the celebrity, the number of rounds, and the seconds of each variant in a round."""

    celebrity: seed_follows.CelebritySize = seed_follows.FULL
    rounds: int = 5
    seconds: float = 1.5


FULL, QUICK = Scale(), Scale(seed_follows.QUICK, rounds=1, seconds=0.5)


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure latency, CPU and SQL of the first page and of deep pages of a celebrity's followers."""
    size = scale.celebrity
    report.print_heading(
        f"Followers of a user with {size.followers:,}, by pages of {PAGE}, the deep ones from edge {size.deep:,} on: "
        f"one worker, {THREADS} threads, {CONNECTIONS} connections"
    )
    celebrity = seed_follows.ensure_celebrity(env, size)
    path = f"/api/v1/users/{celebrity.id}/followers"
    pages = min(DEEP_PAGES, seed_follows.real_followers(env.users) // PAGE)
    depths = [str(size.deep + PAGE * number) for number in range(pages)]
    cursors = env.run_command("cursors_of_followers", str(celebrity.id), *depths).split()
    variants = [Variant(FIRST, [path]), Variant(DEEP, [f"{path}?cursor={cursor}" for cursor in cursors])]
    results = compare(env, variants, rounds=scale.rounds, seconds=scale.seconds)
    return summaries(results), _targets(results)


def _targets(results: dict[str, Result]) -> list[report.Target]:
    first, deep = results[FIRST], results[DEEP]
    rounds = list(zip(deep.rounds, first.rounds, strict=True))
    cpu = list(zip(deep.cpu_us, first.cpu_us, strict=True))
    return [
        report.median_at_most("follower page, p50 deep / first", [_p50(d) / _p50(f) for d, f in rounds], MAX_RATIO),
        report.median_at_most("follower page, p50 first / deep", [_p50(f) / _p50(d) for d, f in rounds], MAX_RATIO),
        report.median_at_most("follower page, CPU deep / first", [d / f for d, f in cpu], MAX_RATIO),
        report.exactly("follower page, SQL", deep.per_request("questions"), 1),
    ]


def _p50(outcome: Outcome) -> float:
    return outcome.percentile_ms(50)
