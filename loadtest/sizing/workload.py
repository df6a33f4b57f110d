"""What is assumed of the users and of the machines: each figure is an option of `make sizing`."""

import argparse
from collections.abc import Mapping
from math import cos, exp, pi
from typing import Any

from loadtest.sizing.constants import NOTHING, Cost

# Shares of all requests of a client that reads a feed, looks at people, and sometimes likes, follows or rates.
MIX = {
    "user": 0.20,
    "counts": 0.20,
    "favorites": 0.15,
    "relationships": 0.10,
    "popup": 0.20,
    "claim": 0.02,
    "home": 0.08,
    "write": 0.05,
}
NOT_CACHED = ("claim", "write")  # which no missing entry makes dearer
ROWS_OF_A_USER = {
    "social_follow": 100,
    "posts_like": 200,
    "posts_favorite": 30,
    "ratings_score": 20,
    "posts_post": 20,
    "popups_userpopup": 10,
    "users_user": 1,
}
OPTIONS: tuple[tuple[str, float, str], ...] = (
    ("users", 1e6, "accounts"),
    ("daily", 2e5, "accounts that are used on a day"),
    ("weekly", 2.0, "accounts that are used within a week, as a multiple of those of a day"),
    ("requests", 100, "requests of such an account on a day"),
    ("peak", 3.0, "requests a second in the busiest hour / on average"),
    ("hit-rate", 0.98, "share of reads whose entries are all in Redis"),
    ("celebrity", 0.2, "share of the requests that ask for one post, in that simulation"),
    ("host-cores", 8, "cores of a web host, with a worker each"),
    ("threads", 8, "threads of a worker, each with a database connection (WEB_THREADS)"),
    ("redis-gb", 24, "memory of a Redis node that may be filled, in GB"),
    ("database-cores", 32, "cores of a database server"),
    ("database-tb", 8, "TB of tables that a database server may hold"),
    ("database-connections", 4000, "connections that the database allows"),
    ("utilization", 0.6, "share of a core that may be busy in the busiest hour"),
    ("event-days", 400, "days for which popup events are kept (POPUP_EVENT_DAYS)"),
    ("price-core", 20.0, "price of a core for a month"),
    ("price-gb", 3.0, "price of a GB of memory for a month"),
    ("price-disk-gb", 0.1, "price of a GB on disk for a month"),
    ("price-traffic-gb", 0.02, "price of a GB sent to clients"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the assumptions to a command line."""
    for name, default, meaning in OPTIONS:
        parser.add_argument(f"--{name}", type=float, default=default, help=f"{meaning} (default: {default:g})")
    parser.add_argument("--mix", type=mix, default=MIX, help="shares of requests, such as user=0.5,popup=0.5")
    parser.add_argument("--currency", default="EUR", help="of the prices (default: EUR)")
    parser.add_argument("--prices-of", default="2026-11", help="the month of the prices, which are examples")


def mix(text: str) -> dict[str, float]:
    """Parse the option --mix; the shares are made to add up to 1."""
    shares = {name: float(share) for name, _, share in (part.partition("=") for part in text.split(","))}
    if unknown := shares.keys() - MIX.keys():
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is no request: {', '.join(MIX)}.")
    return {name: share / sum(shares.values()) for name, share in shares.items()}


def missed(name: str, assumed: Any) -> float:
    """Return the share of a kind of request that is a miss."""
    return 0.0 if name in NOT_CACHED else 1 - assumed.hit_rate


def mean_cost(costs: Mapping[str, Cost], assumed: Any) -> Cost:
    """Return the cost of an average request: of each kind by its share, reads by the rate of hits."""
    total = NOTHING
    for name, share in assumed.mix.items():
        misses = missed(name, assumed)
        total = total.plus(costs[name], share * (1 - misses)).plus(costs["miss"], share * misses)
    return total


def diurnal(peak: float) -> list[float]:
    """Return the load of each hour of a day over that of the average hour, the greatest of which is `peak`.

    The shape is exp(k · cos): one rise and one fall, never below zero.
    """
    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _hours(middle)[20] < peak else (low, middle)
    return _hours(low)


def _hours(sharpness: float) -> list[float]:
    loads = [exp(sharpness * (cos((hour - 20) * pi / 12) - 1)) for hour in range(24)]
    return [load * 24 / sum(loads) for load in loads]
