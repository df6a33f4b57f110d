"""`python -m loadtest.bench`: what the cache brings, measured on servers of its own. See loadtest/README.md."""

import argparse
import json
import os
import platform
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from loadtest import cold_key, few_connections, per_request, warm_up
from loadtest.ground import Ground
from loadtest.report import Target, section

SECTIONS = ("requests", "clients", "cold-key", "warm-up")


class Scale(NamedTuple):
    users: int = 20_000
    rounds: int = 7
    seconds: float = 1.5
    clients: int = 500
    clients_s: float = 5
    cold_rounds: int = 5
    warm_users: int = 100_000


QUICK = Scale(users=3_000, rounds=1, seconds=0.5, clients_s=1, cold_rounds=1, warm_users=20_000)


def measure(ground: Ground, name: str, scale: Scale) -> tuple[dict[str, Any], list[Target]]:
    if name == "requests":
        return per_request.measure(ground, users=scale.users, rounds=scale.rounds, seconds=scale.seconds)
    if name == "clients":
        return few_connections.measure(ground, users=scale.users, clients=scale.clients, seconds=scale.clients_s)
    if name == "cold-key":
        return cold_key.measure(ground, users=scale.users, rounds=scale.cold_rounds)
    return warm_up.measure(ground, users=scale.warm_users)


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
    for name in SECTIONS:
        if name in options.only:
            results[name], reached = measure(ground, name, scale)
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
