"""Section `ratings`: a thousand users rate one item at once, by a lock on its row, by F() and by appended deltas."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import rating_items, report
from loadtest.bench.environment import Environment
from loadtest.bench.latency_proxy import run_latency_proxy
from loadtest.bench.load_generator import Outcome, Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, database_meter
from loadtest.bench.rating_items import ADDRESSES, APPENDED, BODIES, LOCKED, SHARED_TABLES
from loadtest.bench.web_server import WebServer

WORKERS, THREADS = 2, 8  # the project's defaults
LOCAL, REMOTE = "loopback", "1 ms away"
ROUND_TRIP_MS = 1.0  # added to the round trip on loopback
WARM_UP_EACH, LOGGED_EACH, ROLLED_UP_EACH = 10, 2, 10  # ratings of each user
RACES, SIMULTANEOUS = 10, 50  # scores of one user in a race
ROLL_UP = ("rollup_counters",)
MAX_MEAN_RATIO, MIN_TIMES_FASTER, MAX_CPU_MS = 1 / 3, 5.4, 1.5
HEADER = ("variant", "req/s", "mean ms", "min", "p99", "max", "errors", "CPU ms", "MariaDB", "proxy", "SQL", "drift")
LEGEND = """\
Medians of the rounds. CPU: of the workers, of MariaDB and of the latency proxy, ms per request. SQL: statements per
request; both include the roll-up, which runs meanwhile. Drift: by how much count, sum and histogram differ from the
scores' rows at the end of each round, with pending deltas."""


class Scale(NamedTuple):
    """`sizes`: numbers of requests. The first size is first ratings of all users, the next ones change these."""

    users: int = 1_000
    sizes: tuple[int, ...] = (1_000, 5_000, 10_000)
    rounds: int = 3


FULL, QUICK = Scale(), Scale(users=200, sizes=(200, 600, 1_000), rounds=1)


class Case(NamedTuple):
    """What is measured together: the distance of the database, the number of requests, and the variant."""

    database: str
    requests: int
    variant: str


@dataclass
class Result:
    """The measured rounds of a case; `cpu_ms` is per request, by process."""

    rounds: list[Outcome] = field(default_factory=list)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    statements: int = 0
    drift: int = 0

    def means_ms(self) -> list[float]:
        return [sum(each.latencies_ms) / len(each.latencies_ms) for each in self.rounds]

    def percentiles_ms(self, percent: float) -> list[float]:
        return [each.percentile_ms(percent) for each in self.rounds]

    @property
    def errors(self) -> int:
        return sum(sum(each.errors.values()) for each in self.rounds)

    def summary(self) -> dict[str, float]:
        return {
            "per_second": median(each.per_second for each in self.rounds),
            "mean_ms": median(self.means_ms()),
            **{f"p{percent}_ms": median(self.percentiles_ms(percent)) for percent in (0, 99, 100)},
            "errors": self.errors,
            **{f"cpu_ms_{process}": median(rounds) for process, rounds in self.cpu_ms.items()},
            "sql": self.statements / sum(each.requests for each in self.rounds),
            "drift": self.drift,
        }


Results = dict[Case, Result]


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure latency, CPU, SQL and drift of simultaneous ratings, by variant, distance of the database and size."""
    sizes = ", then ".join(f"{size:,}" for size in scale.sizes)
    report.print_heading(
        f"{scale.users:,} users rate one item at once: {sizes} requests; {WORKERS} workers × {THREADS} threads"
    )
    with ExitStack() as stack:
        raters = stack.enter_context(Raters(env, scale.users))
        written = {variant: raters.tables_written(variant) for variant in ADDRESSES}
        stack.enter_context(env.background_command(*ROLL_UP))
        results: Results = {}
        for _ in range(scale.rounds):
            raters.rate(scale.sizes, results)
        rollups = raters.rollups_per_second()
        races = [raters.race() for _ in range(RACES)]
    _print(results, scale.sizes, written, rollups, races)
    env.run_command(*ROLL_UP, "--once")
    rolled_up_drift = sum(rating_items.drift(env, APPENDED, item, pending=False) for item in raters.rated)
    found = {" / ".join(map(str, case)): result.summary() for case, result in results.items()}
    targets = [*_speed_targets(results, scale.sizes), *_exactness_targets(results, rolled_up_drift)]
    targets += [*_write_targets(written, rollups), *_race_targets(races)]
    return {"cases": found, "rollups_per_s": rollups, "races": [each._asdict() for each in races]}, targets


class Race(NamedTuple):
    """SIMULTANEOUS scores of one user for one item: number of answers by status, rows stored, and drift."""

    answers: dict[str, int]
    rows: int
    drift: int


class Raters:
    """Users with access tokens, and two web servers: one with the database on loopback, one behind a latency proxy."""

    def __init__(self, env: Environment, users: int) -> None:
        self._env = env
        self._stack = ExitStack()
        self._tokens = env.run_command("sign_tokens", "--first=1", f"--last={users}", "--step=1").split()
        self.rated: list[int] = []
        """Ids of the items rated by appended deltas."""

    def __enter__(self) -> "Raters":
        env, enter = self._env, self._stack.enter_context
        env.run_command("warm_cache", "users.User", "--verbosity=0")
        proxy = enter(run_latency_proxy(env.sql_port, round_trip_ms=ROUND_TRIP_MS))
        address = env.variables["DATABASE_URL"].replace(f":{env.sql_port}/", f":{proxy.port}/")
        self._webs: dict[str, WebServer] = {
            LOCAL: enter(env.web_server(workers=WORKERS, threads=THREADS)),
            REMOTE: enter(env.web_server(workers=WORKERS, threads=THREADS, DATABASE_URL=address)),
        }
        self._cpu = {"mariadb": cpu_meter([env.mariadb_pid]), "proxy": cpu_meter([proxy.pid])}
        for database, variant in product(self._webs, ADDRESSES):
            item = rating_items.create_item(env)
            self._send(database, variant, item, range(WARM_UP_EACH), self._tokens[: 4 * WORKERS * THREADS])
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def tables_written(self, variant: str) -> Counter[str]:
        """Return how many statements of a first rating and a change write each table."""
        item = rating_items.create_item(self._env)
        return rating_items.tables_written(
            self._env, lambda: self._send(LOCAL, variant, item, range(LOGGED_EACH), self._tokens[:1])
        )

    def rate(self, sizes: Sequence[int], results: Results) -> None:
        """Run a round: the variants take turns at each size, each with an item of its own."""
        for database in self._webs:
            items = {variant: rating_items.create_item(self._env) for variant in ADDRESSES}
            self.rated.append(items[APPENDED])
            turns = 0
            for size in sizes:
                each = size // len(self._tokens)
                for variant, item in items.items():
                    result = results.setdefault(Case(database, size, variant), Result())
                    self._measure(result, database, variant, item, range(turns, turns + each))
                    result.drift += rating_items.drift(self._env, variant, item)
                turns += each

    def rollups_per_second(self) -> float:
        """Return how often per second the roll-up writes the counters of an item that all users rate."""
        item = rating_items.create_item(self._env)
        self.rated.append(item)
        return rating_items.rollups_per_second(
            self._env, item, lambda: self._send(LOCAL, APPENDED, item, range(ROLLED_UP_EACH), self._tokens)
        )

    def race(self) -> Race:
        """Send simultaneous scores of one user for a new item."""
        item = rating_items.create_item(self._env)
        self.rated.append(item)
        request = self._request(REMOTE, APPENDED, item)
        outcome = run_load(
            Workload(**request, tokens=self._tokens[:1], connections=SIMULTANEOUS, requests=SIMULTANEOUS)
        )
        ((rows,),) = self._env.sql(f"SELECT COUNT(*) FROM ratings_score WHERE item_id = {item}")
        answers = {"200": len(outcome.latencies_ms), **outcome.errors}
        return Race(answers, rows, rating_items.drift(self._env, APPENDED, item))

    def _measure(self, result: Result, database: str, variant: str, item: int, turns: range) -> None:
        cpu = {"workers": cpu_meter(self._webs[database].worker_pids), **self._cpu}
        with ExitStack() as stack:
            statements = stack.enter_context(database_meter(self._env.sql).counted())
            spent = {process: stack.enter_context(meter.counted()) for process, meter in cpu.items()}
            outcome = self._send(database, variant, item, turns, self._tokens)
        result.rounds.append(outcome)
        result.statements += statements["questions"]
        for process, counts in spent.items():
            result.cpu_ms.setdefault(process, []).append(counts["ticks"] / TICKS_PER_S / outcome.requests * 1e3)

    def _send(self, database: str, variant: str, item: int, turns: range, tokens: list[str]) -> Outcome:
        """Send one rating of each user for each turn; each user has a connection, and waits for each answer."""
        request = self._request(database, variant, item, first=turns.start)
        return run_load(Workload(**request, tokens=tokens, connections=len(tokens), requests_each=len(turns)))

    def _request(self, database: str, variant: str, item: int, first: int = 0) -> dict[str, Any]:
        start = first % len(BODIES)
        return {
            "port": self._webs[database].port,
            "paths": [ADDRESSES[variant].format(item)],
            "bodies": BODIES[start:] + BODIES[:start],
        }


def _print(
    results: Results, sizes: Sequence[int], written: dict[str, Counter[str]], rollups: float, races: list[Race]
) -> None:
    for database, size in product((LOCAL, REMOTE), sizes):
        print(f"Database: {database}; {size:,} requests\n")
        lines = [_line(variant, results[Case(database, size, variant)]) for variant in ADDRESSES]
        print(report.table(HEADER, lines), end="\n\n")
    print(LEGEND, end="\n\n")
    for variant, tables in written.items():
        print(f"A first rating and a change by {variant} write: {dict(tables)}")
    print(f"Roll-up writes of an item under load: {rollups:.2f} a second")
    answers = sum((Counter(race.answers) for race in races), Counter())
    print(f"One user, {SIMULTANEOUS} scores at once, {len(races)} times: answers {dict(answers)}")


def _line(variant: str, result: Result) -> list[Any]:
    s = result.summary()
    times = [f"{s[key]:,.1f}" for key in ("mean_ms", "p0_ms", "p99_ms", "p100_ms")]
    cpu = [f"{s[f'cpu_ms_{process}']:.2f}" for process in ("workers", "mariadb", "proxy")]
    return [variant, f"{s['per_second']:,.0f}", *times, s["errors"], *cpu, f"{s['sql']:.2f}", s["drift"]]


def _speed_targets(results: Results, sizes: Sequence[int]) -> Iterator[report.Target]:
    for database, size in product((LOCAL, REMOTE), sizes):
        locked, ours = (results[Case(database, size, variant)] for variant in (LOCKED, APPENDED))
        where = f"{size:,} ratings of one item, database {'on loopback' if database == LOCAL else database}"
        if database == REMOTE and size == sizes[0]:
            means = _ratios(ours.means_ms(), locked.means_ms())
            yield report.median_at_most(f"{where}: mean / locking variant's", means, MAX_MEAN_RATIO)
            continue
        limit = 1 if database == LOCAL else MIN_TIMES_FASTER
        yield report.median_at_least(
            f"{where}: locking variant's mean / mean", _ratios(locked.means_ms(), ours.means_ms()), limit
        )
        maxima = _ratios(locked.percentiles_ms(100), ours.percentiles_ms(100))
        yield report.median_at_least(f"{where}: locking variant's max / max", maxima, limit)


def _ratios(numerators: list[float], denominators: list[float]) -> list[float]:
    return [one / other for one, other in zip(numerators, denominators, strict=True)]


def _exactness_targets(results: Results, rolled_up_drift: int) -> list[report.Target]:
    ours = [result for case, result in results.items() if case.variant == APPENDED]
    cpu_ms = [ms for result in ours for ms in result.cpu_ms["workers"]]
    return [
        report.exactly("ratings: errors", sum(result.errors for result in ours), 0),
        report.exactly("ratings: count, sum and histogram − rows, with pending deltas", sum(r.drift for r in ours), 0),
        report.exactly("ratings: count, sum and histogram − rows, after the roll-up", rolled_up_drift, 0),
        report.median_at_most("server CPU of a rating, ms", cpu_ms, MAX_CPU_MS),
    ]


def _write_targets(written: dict[str, Counter[str]], rollups: float) -> list[report.Target]:
    shared = sum(count for table, count in written[APPENDED].items() if table in SHARED_TABLES)
    return [
        report.exactly("rows that raters share, written in a request", shared, 0),
        report.median_at_most("roll-up writes of an item a second", [rollups], 1),
    ]


def _race_targets(races: list[Race]) -> list[report.Target]:
    unexpected = sum(count for race in races for status, count in race.answers.items() if status not in ("200", "409"))
    return [
        report.exactly(f"one user's {SIMULTANEOUS} scores at once: answers other than 200 and 409", unexpected, 0),
        report.exactly(f"one user's {SIMULTANEOUS} scores at once: rows − 1", sum(abs(r.rows - 1) for r in races), 0),
        report.exactly(f"one user's {SIMULTANEOUS} scores at once: sums − row", sum(race.drift for race in races), 0),
    ]
