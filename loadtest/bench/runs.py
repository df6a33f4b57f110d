"""The sections of the benchmark in their order, and a run of some of them."""

import time
from collections.abc import Collection, Iterator
from types import ModuleType
from typing import Any, NamedTuple

from loadtest.bench.environment import Environment
from loadtest.bench.report import Table, Target, taken_tables
from loadtest.bench.sections import (
    celebrity_count,
    celebrity_follows,
    clients,
    cluster,
    cold_key,
    cold_start,
    counts,
    favorites,
    feed,
    follower_pages,
    home_page,
    hot_lane,
    idset_memory,
    metrics,
    peers,
    popups,
    ratings,
    reconcile,
    relationships,
    reloads,
    requests,
    session,
    shapes,
    slow_clients,
    warm_up,
    writes,
)

# In this order: celebrity-count and follower-pages share three million rows; sections that add users come last.
# Each module has the scales FULL and QUICK, and `measure(env, scale)`, which prints its tables and returns
# (figures for the JSON file, targets).
SECTIONS: dict[str, ModuleType] = {
    "requests": requests,
    "clients": clients,
    "cold-key": cold_key,
    "celebrity-count": celebrity_count,
    "follower-pages": follower_pages,
    "celebrity-follows": celebrity_follows,
    "feed": feed,
    "relationships": relationships,
    "counts": counts,
    "idset-memory": idset_memory,
    "home-page": home_page,
    "favorites": favorites,
    "ratings": ratings,
    "writes": writes,
    "hot-lane": hot_lane,
    "metrics": metrics,
    "shapes": shapes,
    "peers": peers,
    "session": session,
    "cluster": cluster,
    "reloads": reloads,
    "slow-clients": slow_clients,
    "popups": popups,
    "cold-start": cold_start,
    "warm-up": warm_up,
    "reconcile": reconcile,
}


class Section(NamedTuple):
    """What a section measured in `seconds`: its tables as printed, its figures by name, and its targets."""

    name: str
    seconds: float
    tables: list[Table]
    figures: dict[str, Any]
    targets: list[Target]


def run(env: Environment, names: Collection[str], *, quick: bool) -> Iterator[Section]:
    """Run the named sections in their order, and yield each when it has ended."""
    for name, section in SECTIONS.items():
        if name in names:
            began = time.monotonic()
            figures, targets = section.measure(env, section.QUICK if quick else section.FULL)
            yield Section(name, time.monotonic() - began, taken_tables(), figures, targets)
