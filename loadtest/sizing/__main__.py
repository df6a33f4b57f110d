"""`python -m loadtest.sizing`: what a number of users needs; see docs/growing/sizing.md."""

import argparse
from typing import Any

from loadtest.bench.report import print_heading, table
from loadtest.sizing import constants, workload
from loadtest.sizing.arithmetic import Plan, human, plan
from loadtest.sizing.scenarios import Outcome, faults, simulate

HEADER = ("scenario", "requests/s", "web busy", "Redis busy", "database busy", "p50 ms", "p99 ms", "in database", "")


def main(arguments: list[str] | None = None) -> int:
    """Print a plan with its arithmetic and its simulation; or measure, or check; return the exit status."""
    assumed = parse(arguments)
    if assumed.measure or assumed.check:
        return _run_here(assumed)
    measured = constants.load()
    found = plan(assumed, measured)
    print_heading("Arithmetic")
    print(*found.steps, sep="\n")
    print(f"\nMeasured {measured.source['on']} by `{measured.source['command']}` ({measured.source['machine']}).")
    print_heading("Simulation")
    outcomes = [simulate(found, assumed, measured, fault) for fault in faults(found, assumed)]
    print(table(HEADER, [_line(outcome, found, assumed) for outcome in outcomes]))
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line; None parses sys.argv."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.sizing", description=__doc__)
    workload.add_options(parser)
    parser.add_argument("--measure", action="store_true", help="measure the constants anew and print measured.toml")
    parser.add_argument("--check", action="store_true", help="compare the prediction with a real run on this machine")
    parser.add_argument("--seconds", type=float, default=20.0, help="of the real run (default: 20)")
    return parser.parse_args(arguments)


def _run_here(assumed: argparse.Namespace) -> int:
    from loadtest.sizing import check, measure  # they need the servers' packages

    if assumed.measure:
        print(constants.dump(measure.measure()))
        return 0
    return 0 if check.check(assumed) else 1


def _line(outcome: Outcome, found: Plan, assumed: Any) -> list[str]:
    shares = (f"{busy:.0%}" for busy in (outcome.web, outcome.redis, outcome.database))
    latencies = (f"{outcome.p50_ms:.2f}", f"{outcome.p99_ms:.2f}")
    verdict = outcome.verdict(min(found.connections, int(assumed.database_connections)))
    return [outcome.name, human(outcome.per_second), *shares, *latencies, f"{outcome.database_inside:,}", verdict]


if __name__ == "__main__":
    raise SystemExit(main())
