"""`python -m loadtest.bench`: measure what the cache saves, on private servers. See loadtest/README.md."""

import argparse
import json
import os
import platform
import signal
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from loadtest.bench.environment import Environment
from loadtest.bench.report import Target, print_heading
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

USERS, QUICK_USERS = 20_000, 3_000
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


def main(arguments: list[str] | None = None) -> None:
    """Run the selected sections, print their tables and targets, and write the JSON file if one is named."""
    options = parse_options(arguments)
    # Exit handlers stop the servers, so SIGTERM has to end the process like any other exit.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    began = time.monotonic()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; starting MariaDB and Redis …", flush=True)
    env = Environment(QUICK_USERS if options.quick else USERS, options.before)
    results: dict[str, Any] = {}
    targets: list[Target] = []
    for name, section in SECTIONS.items():
        if name in options.only:
            results[name], reached = section.measure(env, section.QUICK if options.quick else section.FULL)
            targets += reached
    print_heading(f"Targets ({time.monotonic() - began:.0f} s)")
    print(*targets, sep="\n")
    if options.json:
        document = {"results": results, "targets": [target._asdict() for target in targets]}
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False))


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line; None parses sys.argv."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench", description="Measure on private servers.")
    parser.add_argument("--quick", action="store_true", help="a short run, to see that everything works")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="these sections (default: all)")
    parser.add_argument(
        "--before", type=Path, metavar="FOLDER", help="another checkout of the project, for the section writes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
