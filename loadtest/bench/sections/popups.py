"""Section `popups`: how many entries of the app a second can ask for their popup, at 70 % of the cores' time."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from devtools import servers
from loadtest.bench import report
from loadtest.bench.environment import Environment
from loadtest.bench.load_generator import Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, database_meter
from loadtest.bench.web_server import WebServer
from loadtest.bench.wrk import run_wrk, write_script

CORES = os.cpu_count() or 1
THREADS, CONNECTIONS = 8, 1_000
USERS, QUICK_USERS = 8_000, 500
MAX_OF_CPU, EXTRAPOLATED_CORES = 0.7, 4
MIN_PER_S, MAX_P99_MS, MAX_DATABASE = 50_000, 60, 0.05
ASK = "/api/v1/popups/next?placement={}&platform=ios&app_version=3.2.0"
NOTHING_DUE, ALWAYS_DUE = ASK.format("home"), ASK.format("offer")
ENTRIES = {"nothing is due": [NOTHING_DUE], "one in ten is shown a popup": [*[NOTHING_DUE] * 9, ALWAYS_DUE]}
SERVERS = ("web", "redis", "database", "drain")
HEADER = ("entries", "a second", "p50 ms", "p99 ms", "web µs", "Redis µs", "others µs", "wrk µs", "servers' CPU",
          "SQL", "errors", "of these cores", f"of {EXTRAPOLATED_CORES}")  # fmt: skip
LEGEND = f"""\
CPU by process, per entry; others: MariaDB, and the command that writes events into it. The last columns: entries a
second that take {MAX_OF_CPU:.0%} of these {CORES} cores, and of {EXTRAPOLATED_CORES}, in servers; without wrk."""
NO_WRK = "Entries are not measured: install Debian's wrk."


class Scale(NamedTuple):
    """The users who enter, in turn; rounds of each kind of entry, and their seconds."""

    users: int = USERS
    rounds: int = 5
    seconds: int = 4


FULL, QUICK = Scale(), Scale(users=QUICK_USERS, rounds=1, seconds=2)
Found = dict[str, list[dict[str, float]]]


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure entries at a rate that takes about MAX_OF_CPU of the cores' time; without wrk, print a note."""
    report.print_heading(
        f"Popups: {CORES} workers on {CORES} cores, {CONNECTIONS:,} connections, {scale.users:,} users"
    )
    wrk = servers.program("wrk")
    if wrk is None:
        print(NO_WRK)
        return {}, []
    _seed(env)
    tokens = env.run_command("sign_tokens", "--first=1", f"--last={scale.users}", "--step=1").split()
    with ExitStack() as stack:
        drain = stack.enter_context(env.background_command("drain_popup_events"))
        web = stack.enter_context(env.web_server(workers=CORES, threads=THREADS, LANE="on"))
        _show_once(env, web, tokens)
        pids = {"web": web.worker_pids, "redis": [env.redis_pid], "database": [env.mariadb_pid], "drain": [drain.pid]}
        run = partial(_run, env, wrk, web, tokens, pids)
        found: Found = {entries: [] for entries in ENTRIES}
        per_s = {entries: _capacity(run(paths, 1, scale.seconds), CORES) for entries, paths in ENTRIES.items()}
        for _ in range(scale.rounds):
            for entries, paths in ENTRIES.items():
                found[entries].append(run(paths, round(1_000 * CONNECTIONS / per_s[entries]), scale.seconds))
    print(report.table(HEADER, list(_lines(found))), LEGEND, sep="\n\n")
    return found, list(_targets(found))


def _seed(env: Environment) -> None:
    values = ", ".join(f"('Hello', 'A popup', '{name}', {hours})" for name, hours in (("home", 24), ("offer", 0)))
    env.sql("DELETE FROM popups_popup")
    env.sql(f"INSERT INTO popups_popup (title, body, placement, reshow_hours) VALUES {values}")
    env.redis.flushall()


def _show_once(env: Environment, web: WebServer, tokens: list[str]) -> None:
    """Show each user the daily popup, and wait until the database has the events."""
    outcome = run_load(
        Workload(port=web.port, paths=[NOTHING_DUE], tokens=tokens, connections=64, requests=2 * len(tokens))
    )
    if outcome.errors:
        raise SystemExit(f"The entries before the measurement failed: {outcome.errors}")
    while env.sql("SELECT COUNT(*) FROM popups_event")[0][0] < len(tokens):
        time.sleep(0.1)


def _run(
    env: Environment, wrk: str, web: WebServer, tokens: list[str], pids: dict[str, list[int]], paths: list[str],
    delay_ms: int, seconds: int,
) -> dict[str, float]:  # fmt: skip
    script = env.folder / "popups.lua"
    write_script(script, paths=paths, tokens=tokens, delay_ms=delay_ms)
    with ExitStack() as stack:
        ticks = {name: stack.enter_context(cpu_meter(of).counted()) for name, of in pids.items()}
        counts = stack.enter_context(database_meter(env.sql).counted())
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-s{script}", f"http://127.0.0.1:{web.port}"]
        figures = run_wrk(command, seconds)
    entries = figures["per_second"] * seconds or float("nan")
    cpu_us = {f"{name}_us": each["ticks"] / TICKS_PER_S / entries * 1e6 for name, each in ticks.items()}
    return {**figures, **cpu_us, "wrk_us": figures["wrk_s"] / entries * 1e6, "sql": counts["questions"] / entries}


def _servers_us(figures: dict[str, float]) -> float:
    return sum(figures[f"{name}_us"] for name in SERVERS)


def _capacity(figures: dict[str, float], cores: int) -> float:
    """Return how many entries a second take MAX_OF_CPU of some cores; Redis has one of them at most."""
    return 1e6 / max(_servers_us(figures) / (MAX_OF_CPU * cores), figures["redis_us"])


def _share(figures: dict[str, float]) -> float:
    return _servers_us(figures) * figures["per_second"] / 1e6 / CORES


def _lines(found: Found) -> Iterator[list[Any]]:
    for entries, rounds in found.items():
        middle = {name: median(figures[name] for figures in rounds) for name in rounds[0]}
        others_us = middle["database_us"] + middle["drain_us"]
        cpu = (middle["web_us"], middle["redis_us"], others_us, middle["wrk_us"])
        capacities = (median(_capacity(each, cores) for each in rounds) for cores in (CORES, EXTRAPOLATED_CORES))
        yield [
            entries, *(f"{middle[name]:,.1f}" for name in ("per_second", "p50_ms", "p99_ms")),
            *(f"{each:.1f}" for each in cpu), f"{median(map(_share, rounds)):.0%}", f"{middle['sql']:.4f}",
            f"{sum(each['errors'] for each in rounds):.0f}", *(f"{each:,.0f}" for each in capacities),
        ]  # fmt: skip


def _targets(found: Found) -> Iterator[report.Target]:
    for entries, rounds in found.items():
        name = f"popups, {entries}"
        capacities = [_capacity(each, EXTRAPOLATED_CORES) for each in rounds]
        yield report.median_at_least(f"{name}: entries/s of {EXTRAPOLATED_CORES} cores", capacities, MIN_PER_S)
        yield report.median_at_most(f"{name}: servers' part of the CPU", list(map(_share, rounds)), MAX_OF_CPU)
        yield report.median_at_most(f"{name}: p99 ms", [each["p99_ms"] for each in rounds], MAX_P99_MS)
        idle = [each["database_us"] * each["per_second"] / 1e6 for each in rounds]
        yield report.median_at_most(f"{name}: cores that the database takes", idle, MAX_DATABASE)
        yield report.exactly(f"{name}: errors", sum(each["errors"] for each in rounds), 0)
