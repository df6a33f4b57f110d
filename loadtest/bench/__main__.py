"""`python -m loadtest.bench`: what the cache brings, measured on servers of its own. See loadtest/README.md."""

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from loadtest.bench.environment import Ground
from loadtest.bench.report import Target, section
from loadtest.bench.sections import (
    celebrity_count,
    celebrity_follows,
    cold_key,
    counts,
    favorites,
    follower_pages,
    home_page,
    hot_lane,
    idset_memory,
    reconcile,
    relationships,
    warm_up,
)
from loadtest.bench.sections import clients as few_connections
from loadtest.bench.sections import ratings as thousand_ratings
from loadtest.bench.sections import requests as per_request


class Scale(NamedTuple):
    users: int = 20_000
    rounds: int = 7
    seconds: float = 1.5
    clients: int = 500
    clients_s: float = 5
    cold_rounds: int = 5
    warm_users: int = 100_000
    followers: int = 3_000_000
    deep: int = 1_000_000
    count_rounds: int = 5
    count_s: float = 1
    page_rounds: int = 5
    follow_rounds: int = 4
    follow_s: float = 10
    likes: tuple[int, int] = (1_000, 10_000_000)
    community: int = 10_000
    feed_days: int = 7
    raters: int = 1_000
    ratings: tuple[int, ...] = (1_000, 5_000, 10_000)
    rating_rounds: int = 3


QUICK = Scale(
    users=3_000, rounds=1, seconds=0.5, clients_s=1, cold_rounds=1, warm_users=20_000,
    followers=100_000, deep=50_000, count_rounds=1, count_s=0.2, page_rounds=1, follow_rounds=1, follow_s=2,
    likes=(1_000, 100_000), community=1_000, feed_days=3,
    raters=200, ratings=(200, 600, 1_000), rating_rounds=1,
)  # fmt: skip
Measured = tuple[dict[str, Any], list[Target]]


def _requests(ground: Ground, scale: Scale) -> Measured:
    return per_request.measure(ground, users=scale.users, rounds=scale.rounds, seconds=scale.seconds)


def _clients(ground: Ground, scale: Scale) -> Measured:
    return few_connections.measure(ground, users=scale.users, clients=scale.clients, seconds=scale.clients_s)


def _cold_key(ground: Ground, scale: Scale) -> Measured:
    return cold_key.measure(ground, users=scale.users, rounds=scale.cold_rounds)


def _celebrity_count(ground: Ground, scale: Scale) -> Measured:
    size = {"users": scale.users, "followers": scale.followers, "deep": scale.deep}
    return celebrity_count.measure(ground, **size, rounds=scale.count_rounds, seconds=scale.count_s)


def _follower_pages(ground: Ground, scale: Scale) -> Measured:
    size = {"users": scale.users, "followers": scale.followers, "deep": scale.deep}
    return follower_pages.measure(ground, **size, rounds=scale.page_rounds, seconds=scale.seconds)


def _celebrity_follows(ground: Ground, scale: Scale) -> Measured:
    return celebrity_follows.measure(ground, users=scale.users, rounds=scale.follow_rounds, seconds=scale.follow_s)


def _relationships(ground: Ground, scale: Scale) -> Measured:
    return relationships.measure(ground, users=scale.users, rounds=scale.rounds, seconds=scale.seconds)


def _counts(ground: Ground, scale: Scale) -> Measured:
    return counts.measure(ground, users=scale.users, rounds=scale.rounds, seconds=scale.seconds)


def _idset_memory(ground: Ground, scale: Scale) -> Measured:
    return idset_memory.measure(ground)


def _home_page(ground: Ground, scale: Scale) -> Measured:
    size = {"users": scale.users, "likes": scale.likes}
    return home_page.measure(ground, **size, rounds=scale.rounds, seconds=scale.seconds)


def _favorites(ground: Ground, scale: Scale) -> Measured:
    return favorites.measure(ground, users=scale.community, days=scale.feed_days)


def _ratings(ground: Ground, scale: Scale) -> Measured:
    return thousand_ratings.measure(ground, users=scale.raters, sizes=scale.ratings, rounds=scale.rating_rounds)


def _hot_lane(ground: Ground, scale: Scale) -> Measured:
    return hot_lane.measure(ground, users=scale.users, rounds=scale.rounds, seconds=scale.seconds)


def _warm_up(ground: Ground, scale: Scale) -> Measured:
    return warm_up.measure(ground, users=scale.warm_users)


def _reconcile(ground: Ground, scale: Scale) -> Measured:
    return reconcile.measure(ground, users=scale.warm_users)


# In this order: the two about one celebrity share three million rows, and those with many users come last.
SECTIONS: dict[str, Callable[[Ground, Scale], Measured]] = {
    "requests": _requests,
    "clients": _clients,
    "cold-key": _cold_key,
    "celebrity-count": _celebrity_count,
    "follower-pages": _follower_pages,
    "celebrity-follows": _celebrity_follows,
    "relationships": _relationships,
    "counts": _counts,
    "idset-memory": _idset_memory,
    "home-page": _home_page,
    "favorites": _favorites,
    "ratings": _ratings,
    "hot-lane": _hot_lane,
    "warm-up": _warm_up,
    "reconcile": _reconcile,
}


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    # An end by SIGTERM has to clean up as any other.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    began = time.monotonic()
    scale = QUICK if options.quick else Scale()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; starting MariaDB and Redis …", flush=True)
    ground = Ground()
    ground.seed(scale.users)
    results: dict[str, Any] = {}
    targets: list[Target] = []
    for name, measure in SECTIONS.items():
        if name in options.only:
            results[name], reached = measure(ground, scale)
            targets += reached
    section(f"Targets ({time.monotonic() - began:.0f} s)")
    print(*targets, sep="\n")
    if options.json:
        document = {"results": results, "targets": [target._asdict() for target in targets]}
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench", description="Measure on private servers.")
    parser.add_argument("--quick", action="store_true", help="a short run, to see that everything works")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="these sections (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
