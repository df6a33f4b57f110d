"""`python -m loadtest.bench`: measure what the cache saves, on private servers. See loadtest/README.md."""

import argparse
import json
import os
import platform
import signal
import sys
import time
from pathlib import Path

from loadtest.bench.environment import Environment
from loadtest.bench.report import print_heading
from loadtest.bench.runs import SECTIONS, run

USERS, QUICK_USERS = 20_000, 3_000


def main(arguments: list[str] | None = None) -> None:
    """Run the selected sections, print their tables and targets, and write the JSON file if one is named."""
    options = parse_options(arguments)
    # Exit handlers stop the servers, so SIGTERM has to end the process like any other exit.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    began = time.monotonic()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; starting MariaDB and Redis …", flush=True)
    env = Environment(QUICK_USERS if options.quick else USERS, options.before)
    sections = list(run(env, options.only, quick=options.quick))
    targets = [target for section in sections for target in section.targets]
    print_heading(f"Targets ({time.monotonic() - began:.0f} s)")
    print(*targets, sep="\n")
    if options.json:
        results = {section.name: section.figures for section in sections}
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
