"""How many followers a celebrity has: COUNT(*) by index, as before, against the counter."""

import json
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import report
from loadtest.bench import seed_follows as graph
from loadtest.bench.environment import Ground

COUNT, BY_SQL, CACHED = "COUNT(*)", "counter by SQL", "counter, cached"  # the ways of manage.py time_counts
FOLLOWERS_FASTER = 3_000  # 1,000 times faster at 3,000,000; what COUNT(*) takes is linear in them
ALIKE = 1.2
HEAD = ("way", "followers", "median ms", "worst ms", "queries/s", "answer")


class Timed(NamedTuple):
    """One way for one user: rounds in turn with all others'."""

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


def measure(
    ground: Ground, *, users: int, followers: int, deep: int, rounds: int, seconds: float
) -> tuple[dict[str, Any], list[report.Target]]:
    report.section(f"Followers of a user with {followers:,}, and of one with {graph.SMALL}; one thread")
    celebrity = graph.celebrity(ground, users=users, followers=followers, deep=deep)
    pks = {celebrity.id: followers, celebrity.small_id: graph.SMALL}
    printed = ground.manage("time_counts", *map(str, pks), f"--rounds={rounds}", f"--seconds={seconds}")
    found = {
        (way, size): Timed(of_way[str(pk)]) for way, of_way in json.loads(printed).items() for pk, size in pks.items()
    }
    print(report.table(HEAD, [_line(*key, timed) for key, timed in found.items()]))
    summaries = {f"{way}, {size} followers": timed.summary() for (way, size), timed in found.items()}
    return summaries, _targets(found, followers)


def _line(way: str, size: int, timed: Timed) -> list[str]:
    s = timed.summary()
    numbers = [f"{s['median_ms']:,.3f}", f"{s['worst_ms']:,.3f}", f"{s['per_second']:,.1f}"]
    return [way, f"{size:,}", *numbers, " ".join(f"{answer:,}" for answer in sorted(timed.answers))]


def _targets(found: dict[tuple[str, int], Timed], followers: int) -> list[report.Target]:
    """What is shown comes from the cache; the SQL is what a miss costs, and has to be alike for all as well."""
    faster = ratios(found[COUNT, followers], found[CACHED, followers])
    limit = followers / FOLLOWERS_FASTER
    targets = [report.median_at_least(f"{CACHED}: times faster than {COUNT} of {followers:,}", faster, limit)]
    for way in (CACHED, BY_SQL):
        big, small = found[way, followers], found[way, graph.SMALL]
        wrong = len(big.answers - {followers}) + len(small.answers - {graph.SMALL})
        alike = f"{way}: time for {followers:,} followers / for {graph.SMALL}"
        targets.append(report.median_at_most(alike, ratios(big, small), ALIKE))
        targets.append(report.exactly(f"{way}: wrong answers", wrong, 0))
    return targets


def ratios(one: Timed, other: Timed) -> list[float]:
    """Round by round: within one both met the same machine."""
    return [ours / theirs for ours, theirs in zip(one.medians_ms, other.medians_ms, strict=True)]
