"""The locust scenarios against a server of the benchmark, headless, in several processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

from loadtest.bench.environment import Environment
from loadtest.bench.report import at_most, print_heading, table, taken_tables
from loadtest.bench.runs import Section
from loadtest.bench.web_server import PROJECT_ROOT

SCENARIOS = ("users", "social", "posts", "ratings", "popups", "session")
PREFIX = "locust-"  # of the names in a report, where the benchmark has a section popups, too
PROCESSES, CORES = 2, os.cpu_count() or 1
HEADER = ("request", "requests", "a second", "median ms", "p99 ms", "failures")
POPUPS = """\
INSERT INTO popups_popup (title, body, placement, reshow_hours)
VALUES ('Hello', 'A popup', 'home', 24), ('Offer', 'Another popup', 'offer', 0)"""


class Scale(NamedTuple):
    """Clients of a scenario, and the seconds that each is run."""

    clients: int = 100
    seconds: int = 60


FULL, QUICK = Scale(), Scale(clients=20, seconds=6)


def run(env: Environment, scale: Scale) -> Iterator[Section]:
    """Run the scenarios one after another against one server, and yield what each measured, named with PREFIX."""
    env.sql(POPUPS)
    with ExitStack() as stack:
        stack.enter_context(env.background_command("run_jobs"))
        server = stack.enter_context(env.web_server(workers=CORES, threads=8, LANE="on"))
        for name in SCENARIOS:
            print_heading(f"Locust, {name}.py: {scale.clients} clients in {PROCESSES} processes, {scale.seconds} s")
            found = _locust(name, f"http://127.0.0.1:{server.port}", scale, env.users)
            print(table(HEADER, [_line(each, scale.seconds) for each in found]))
            failures = sum(each["num_failures"] for each in found)
            yield Section(
                name, scale.seconds, taken_tables(), {}, [at_most(f"locust, {name}.py: failures", failures, 0)]
            )


def _locust(name: str, site: str, scale: Scale, users: int) -> list[dict[str, Any]]:
    command = [
        sys.executable, "-m", "locust", "-f", f"loadtest/load/{name}.py", "--headless", "--json", "--only-summary",
        "--host", site, "-u", str(scale.clients), "-r", str(scale.clients), "-t", f"{scale.seconds}s", "--skip-log",
        "--processes", str(PROCESSES), "--accounts", "10", "--think", "0.1", "--largest-id", str(users),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: some requests failed
        raise SystemExit(f"locust failed: {done.stderr.strip()[-2000:]}")
    return summed_up(done.stdout)


def summed_up(printed: str) -> list[dict[str, Any]]:
    """Return the requests that locust's first process sums up; every other process prints an empty list of its own."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(printed):
        document, at = decoder.raw_decode(printed, at)
        found += document
        at += len(printed[at:]) - len(printed[at:].lstrip())
    return found


def _line(found: dict[str, Any], seconds: float) -> list[str]:
    times = sorted((float(ms), count) for ms, count in found["response_times"].items())
    return [
        f"{found['method']} {found['name']}", f"{found['num_requests']:,}",
        f"{found['num_requests'] / seconds:,.1f}", f"{_percentile(times, 50):,.0f}", f"{_percentile(times, 99):,.0f}",
        str(found["num_failures"]),
    ]  # fmt: skip


def _percentile(times: list[tuple[float, int]], percent: int) -> float:
    """Return the time that `percent` of the answers did not exceed; `times` are times with their numbers, in order."""
    rank, seen = sum(count for _, count in times) * percent / 100, 0
    for ms, count in times:
        seen += count
        if seen >= rank:
            return ms
    return 0.0
