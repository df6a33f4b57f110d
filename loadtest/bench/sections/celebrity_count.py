"""Section `celebrity-count`: the number of a celebrity's followers by COUNT(*) on an index, and by the counter."""

import json
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import report, seed_follows
from loadtest.bench.environment import Environment

COUNT, BY_SQL, CACHED = "COUNT(*)", "counter by SQL", "counter, cached"  # the variants of manage.py time_counts
ROWS_PER_TIMES_FASTER = 3_000  # 1,000 times faster at 3,000,000 rows, as COUNT(*) takes linear time
MAX_RATIO = 1.2
HEADER = ("variant", "followers", "median ms", "worst ms", "queries/s", "answer")


class Scale(NamedTuple):
    """The size of the celebrity, the number of rounds, and the seconds of each variant and user in a round."""

    celebrity: seed_follows.CelebritySize = seed_follows.FULL
    rounds: int = 5
    seconds: float = 1


FULL, QUICK = Scale(), Scale(seed_follows.QUICK, rounds=1, seconds=0.2)


class Timings(NamedTuple):
    """The measured rounds of one variant for one user, as manage.py time_counts prints them."""

    rounds: list[dict[str, Any]]

    @property
    def answers(self) -> set[int]:
        return {each["count"] for each in self.rounds}

    @property
    def medians_ms(self) -> list[float]:
        return [median(each["latencies_ms"]) for each in self.rounds]

    def summary(self) -> dict[str, float]:
        latencies = [ms for each in self.rounds for ms in each["latencies_ms"]]
        return {
            "queries": len(latencies),
            "median_ms": median(self.medians_ms),
            "worst_ms": max(latencies),
            "per_second": median(len(each["latencies_ms"]) / each["seconds"] for each in self.rounds),
        }


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure the time of counting the followers of a celebrity and of an ordinary user, by each variant."""
    followers = scale.celebrity.followers
    report.print_heading(
        f"Followers of a user with {followers:,}, and of one with {seed_follows.FEW_FOLLOWERS}; one thread"
    )
    celebrity = seed_follows.ensure_celebrity(env, scale.celebrity)
    pks = {celebrity.id: followers, celebrity.ordinary_id: seed_follows.FEW_FOLLOWERS}
    printed = env.run_command("time_counts", *map(str, pks), f"--rounds={scale.rounds}", f"--seconds={scale.seconds}")
    found = {
        (variant, size): Timings(by_pk[str(pk)])
        for variant, by_pk in json.loads(printed).items()
        for pk, size in pks.items()
    }
    print(report.table(HEADER, [_line(*key, timings) for key, timings in found.items()]))
    summaries = {f"{variant}, {size} followers": timings.summary() for (variant, size), timings in found.items()}
    return summaries, _targets(found, followers)


def _line(variant: str, size: int, timings: Timings) -> list[str]:
    s = timings.summary()
    numbers = [f"{s['median_ms']:,.3f}", f"{s['worst_ms']:,.3f}", f"{s['per_second']:,.1f}"]
    return [variant, f"{size:,}", *numbers, " ".join(f"{answer:,}" for answer in sorted(timings.answers))]


def _targets(found: dict[tuple[str, int], Timings], followers: int) -> list[report.Target]:
    """The API answers from the cache. The SQL is the cost of a miss, and must not depend on the followers either."""
    faster = ratios(found[COUNT, followers], found[CACHED, followers])
    limit = followers / ROWS_PER_TIMES_FASTER
    targets = [report.median_at_least(f"{CACHED}: times faster than {COUNT} of {followers:,}", faster, limit)]
    for variant in (CACHED, BY_SQL):
        big, small = found[variant, followers], found[variant, seed_follows.FEW_FOLLOWERS]
        wrong = len(big.answers - {followers}) + len(small.answers - {seed_follows.FEW_FOLLOWERS})
        figure = f"{variant}: time for {followers:,} followers / for {seed_follows.FEW_FOLLOWERS}"
        targets.append(report.median_at_most(figure, ratios(big, small), MAX_RATIO))
        targets.append(report.exactly(f"{variant}: wrong answers", wrong, 0))
    return targets


def ratios(one: Timings, other: Timings) -> list[float]:
    """Return the ratio of the median times in each round, in which other load on the machine affects both alike."""
    return [ours / theirs for ours, theirs in zip(one.medians_ms, other.medians_ms, strict=True)]
