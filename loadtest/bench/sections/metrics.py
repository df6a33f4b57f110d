"""Section `metrics`: the CPU of counting for /metrics: a server that counts and one that does not, in turn."""

from contextlib import ExitStack
from itertools import product
from statistics import median

from loadtest.bench import report
from loadtest.bench.compare import Scale
from loadtest.bench.environment import Environment
from loadtest.bench.load_generator import Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, cpu_meter
from loadtest.bench.sections import home_page, hot_lane
from loadtest.bench.web_server import WebServer

CONNECTIONS, THREADS, PAGES = 64, 8, 100
FULL, QUICK = Scale(rounds=15, seconds=2), Scale(rounds=3, seconds=0.5)
COUNTED, UNCOUNTED = "counted", "not counted"
SETTINGS = {COUNTED: {}, UNCOUNTED: {"DJANGO_SETTINGS_MODULE": "loadtest.baselines.uncounted"}}
MAX_RATIO = 1.04
Rounds = dict[tuple[str, str], list[float]]


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure a user and a home page on the hot lane, with and without what is counted."""
    report.print_heading(f"Metrics: one worker, {THREADS} threads, {CONNECTIONS} connections, warm; CPU µs")
    home_page.seed(env)
    paths = {
        "users/{id}": hot_lane.reads(env.users)[hot_lane.USER],
        "home page": [f"/api/v1/users/{pk}/posts?limit=15" for pk in range(1, PAGES + 1)],
    }
    rounds: Rounds = {(read, name): [] for read in paths for name in SETTINGS}
    with ExitStack() as stack:
        webs = {
            name: stack.enter_context(env.web_server(workers=1, threads=THREADS, LANE="on", **settings))
            for name, settings in SETTINGS.items()
        }
        for web, asked in product(webs.values(), paths.values()):
            web.pin_workers_to_cores()
            _cpu_us(env, web, asked, requests=10 * PAGES)
        for _, read, name in product(range(scale.rounds), paths, SETTINGS):
            rounds[read, name].append(_cpu_us(env, webs[name], paths[read], seconds=scale.seconds))
    return _figures(paths, rounds)


def _cpu_us(env: Environment, web: WebServer, paths: list[str], **limits: float) -> float:
    with cpu_meter(web.worker_pids).counted() as cpu:
        outcome = run_load(
            Workload(port=web.port, paths=paths, tokens=env.tokens, connections=CONNECTIONS, **limits)  # type: ignore[arg-type]
        )
    return cpu["ticks"] / TICKS_PER_S / outcome.requests * 1e6


def _figures(reads: dict[str, list[str]], rounds: Rounds) -> report.SectionResult:
    lines, targets = [], []
    for read in reads:
        on, off = rounds[read, COUNTED], rounds[read, UNCOUNTED]
        ratios = [one / other for one, other in zip(on, off, strict=True)]
        lines.append([read, f"{median(on):.1f}", f"{median(off):.1f}", f"{median(ratios):.3f}"])
        targets.append(report.median_at_most(f"{read}: CPU counted / not counted", ratios, MAX_RATIO))
    print(report.table(("read", COUNTED, UNCOUNTED, "ratio"), lines))
    return {f"{read}, {name}": values for (read, name), values in rounds.items()}, targets
