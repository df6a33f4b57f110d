"""`python -m loadtest.report`: run the benchmark and the locust scenarios, and write what they measured as one page."""

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtest.bench.__main__ import QUICK_USERS, USERS
from loadtest.bench.environment import Environment
from loadtest.bench.runs import SECTIONS, Section, run
from loadtest.report import machine, page, scenarios

PAGE = Path("build/report.html")
# What a quick run leaves out prepares or waits for longer than it measures.
LONG = {
    "celebrity-follows", "clients", "cluster", "cold-start", "favorites", "feed", "hot-lane", "ratings", "reconcile",
    "reloads", "session", "slow-clients", "warm-up",
}  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write the page and beside it the same as JSON, which a later report is compared with."""
    options = parse_options(arguments)
    # Exit handlers stop the servers, so SIGTERM has to end the process like any other exit.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    before = json.loads(options.before.read_text()) if options.before else None
    env = Environment(QUICK_USERS if options.quick else USERS)
    document = {
        "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "quick": options.quick,
        "machine": machine.described(env),
        "sections": list(_sections(env, quick=options.quick)),
    }
    options.page.parent.mkdir(parents=True, exist_ok=True)
    figures = options.page.with_suffix(".json")
    figures.write_text(json.dumps(document, indent=1, ensure_ascii=False))
    options.page.write_text(page.render(document, before))
    print(f"\nThe report is {options.page}, its figures are in {figures}.")


def _sections(env: Environment, *, quick: bool) -> Iterator[dict[str, Any]]:
    names = [name for name in SECTIONS if not (quick and name in LONG)]
    for section in run(env, names, quick=quick):
        yield _described(section, f'make bench ARGS="--only {section.name}{" --quick" if quick else ""}"')
    for section in scenarios.run(env, scenarios.QUICK if quick else scenarios.FULL):
        yield _described(section, f"locust -f loadtest/load/{section.name.removeprefix(scenarios.PREFIX)}.py")


def _described(section: Section, command: str) -> dict[str, Any]:
    tables = [table._asdict() for table in section.tables]
    return {
        **section._asdict(), "command": command, "tables": tables,
        "targets": [target._asdict() for target in section.targets],
    }  # fmt: skip


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line; None parses sys.argv."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.report", description="Measure, and write a page.")
    parser.add_argument("--quick", action="store_true", help="at most five minutes: short rounds, of what is quick")
    parser.add_argument(
        "--before", type=Path, metavar="FILE", help="the JSON file of an earlier report to compare with"
    )
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE", help=f"the page (default: {PAGE})")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
