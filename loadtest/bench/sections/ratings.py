"""A thousand people rate one item at once: a lock on its row, an addition by the database, and appended deltas."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench import load_generator as client
from loadtest.bench import rating_items as rated_items
from loadtest.bench import report
from loadtest.bench.environment import Ground, Web
from loadtest.bench.latency_proxy import farther
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, database_meter
from loadtest.bench.rating_items import ADDRESSES, APPENDED, BODIES, LOCKED, SHARED

WORKERS, THREADS = 2, 8  # as the project starts them
NEAR, FAR = "loopback", "1 ms away"
AWAY_MS = 1.0  # round trip, on top of loopback's
WARM_UP, TAPPED, FOLDED, DUELS, SHOTS = 10, 2, 10, 10, 50
ROLL_UP = ("rollup_counters",)
FIRST, FASTER, CPU_MS = 1 / 3, 5.4, 1.5
HEAD = ("way", "req/s", "mean ms", "min", "p99", "max", "errors", "CPU ms", "MariaDB", "proxy", "SQL", "off")
LEGEND = """\
Medians of the rounds. CPU: of the workers, of MariaDB and of the proxy that keeps it away, ms per request, and SQL,
statements per request: with what the roll-up does beside. Off: by how much count, sum and histogram differ from the
scores' rows at the end of each round, pending deltas counted."""


class Case(NamedTuple):
    place: str
    requests: int
    way: str


@dataclass
class Result:
    """One case's rounds; CPU in ms per request."""

    rounds: list[client.Outcome] = field(default_factory=list)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    statements: int = 0
    off: int = 0

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
            **{f"cpu_ms_{whose}": median(rounds) for whose, rounds in self.cpu_ms.items()},
            "sql": self.statements / sum(each.requests for each in self.rounds),
            "off": self.off,
        }


Results = dict[Case, Result]


def measure(
    ground: Ground, *, users: int, sizes: Sequence[int], rounds: int
) -> tuple[dict[str, Any], list[report.Target]]:
    """`sizes`: numbers of requests. The first are first ratings of all, the others changes of theirs."""
    asked = ", then ".join(f"{size:,}" for size in sizes)
    report.section(f"{users:,} people rate one item at once: {asked} requests; {WORKERS} workers × {THREADS} threads")
    with ExitStack() as stack:
        crowd = stack.enter_context(Crowd(ground, users))
        written = {way: crowd.tables_written(way) for way in ADDRESSES}
        stack.enter_context(ground.beside(*ROLL_UP))
        results: Results = {}
        for _ in range(rounds):
            crowd.rate(sizes, results)
        folds = crowd.folds_a_second()
        duels = [crowd.duel() for _ in range(DUELS)]
    _print(results, sizes, written, folds, duels)
    ground.manage(*ROLL_UP, "--once")
    rolled_up_off = sum(rated_items.off(ground, APPENDED, item, pending=False) for item in crowd.rated)
    found = {" / ".join(map(str, case)): result.summary() for case, result in results.items()}
    targets = [*_faster(results, sizes), *_exact(results, rolled_up_off), *_writes(written, folds), *_duels(duels)]
    return {"cases": found, "folds_per_s": folds, "duels": [each._asdict() for each in duels]}, targets


class Duel(NamedTuple):
    """One user's SHOTS scores at once: how many answers of each status, how many rows, and what is off."""

    answers: dict[str, int]
    rows: int
    off: int


class Crowd:
    """People with tokens, and two web servers alike, one of them far from the database."""

    def __init__(self, ground: Ground, users: int) -> None:
        self._ground = ground
        self._stack = ExitStack()
        self._tokens = ground.manage("sign_tokens", "--first=1", f"--last={users}", "--step=1").split()
        self.rated: list[int] = []
        """Items rated by appended deltas."""

    def __enter__(self) -> "Crowd":
        ground, enter = self._ground, self._stack.enter_context
        ground.manage("warm_cache", "users.User", "--verbosity=0")
        proxy = enter(farther(ground.sql_port, round_trip_ms=AWAY_MS))
        address = ground.environment["DATABASE_URL"].replace(f":{ground.sql_port}/", f":{proxy.port}/")
        self._webs: dict[str, Web] = {
            NEAR: enter(ground.web(workers=WORKERS, threads=THREADS)),
            FAR: enter(ground.web(workers=WORKERS, threads=THREADS, DATABASE_URL=address)),
        }
        self._cpu = {"mariadb": cpu_meter(ground.servers[1:]), "proxy": cpu_meter([proxy.pid])}
        for place, way in ((place, way) for place in self._webs for way in ADDRESSES):
            self._send(place, way, rated_items.new(ground), range(WARM_UP), self._tokens[: 4 * WORKERS * THREADS])
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def tables_written(self, way: str) -> Counter[str]:
        """By a first rating and a change."""
        item = rated_items.new(self._ground)
        return rated_items.tables_written(
            self._ground, lambda: self._send(NEAR, way, item, range(TAPPED), self._tokens[:1])
        )

    def rate(self, sizes: Sequence[int], results: Results) -> None:
        """A round: the ways take turns at each size, each with an item of its own."""
        for place in self._webs:
            items = {way: rated_items.new(self._ground) for way in ADDRESSES}
            self.rated.append(items[APPENDED])
            turns = 0
            for size in sizes:
                each = size // len(self._tokens)
                for way, item in items.items():
                    result = results.setdefault(Case(place, size, way), Result())
                    self._measure(result, place, way, item, range(turns, turns + each))
                    result.off += rated_items.off(self._ground, way, item)
                turns += each

    def folds_a_second(self) -> float:
        item = rated_items.new(self._ground)
        self.rated.append(item)
        return rated_items.folds_a_second(
            self._ground, item, lambda: self._send(NEAR, APPENDED, item, range(FOLDED), self._tokens)
        )

    def duel(self) -> Duel:
        item = rated_items.new(self._ground)
        self.rated.append(item)
        order = self._order(FAR, APPENDED, item)
        outcome = client.run(client.Order(**order, tokens=self._tokens[:1], connections=SHOTS, requests=SHOTS))
        ((rows,),) = self._ground.sql(f"SELECT COUNT(*) FROM ratings_score WHERE item_id = {item}")
        answers = {"200": len(outcome.latencies_ms), **outcome.errors}
        return Duel(answers, rows, rated_items.off(self._ground, APPENDED, item))

    def _measure(self, result: Result, place: str, way: str, item: int, turns: range) -> None:
        cpu = {"workers": cpu_meter(self._webs[place].workers), **self._cpu}
        with ExitStack() as stack:
            statements = stack.enter_context(database_meter(self._ground.sql).counted())
            spent = {whose: stack.enter_context(meter.counted()) for whose, meter in cpu.items()}
            outcome = self._send(place, way, item, turns, self._tokens)
        result.rounds.append(outcome)
        result.statements += statements["questions"]
        for whose, counts in spent.items():
            result.cpu_ms.setdefault(whose, []).append(counts["ticks"] / TICKS_PER_S / outcome.requests * 1e3)

    def _send(self, place: str, way: str, item: int, turns: range, tokens: list[str]) -> client.Outcome:
        """Everybody at once, on a connection of their own: one rating for each turn, one after the other."""
        order = self._order(place, way, item, first=turns.start)
        return client.run(client.Order(**order, tokens=tokens, connections=len(tokens), each=len(turns)))

    def _order(self, place: str, way: str, item: int, first: int = 0) -> dict[str, Any]:
        at = first % len(BODIES)
        return {
            "port": self._webs[place].port,
            "paths": [ADDRESSES[way].format(item)],
            "bodies": BODIES[at:] + BODIES[:at],
        }


def _print(
    results: Results, sizes: Sequence[int], written: dict[str, Counter[str]], folds: float, duels: list[Duel]
) -> None:
    for place, size in ((place, size) for place in (NEAR, FAR) for size in sizes):
        print(f"Database: {place}; {size:,} requests\n")
        print(report.table(HEAD, [_line(way, results[Case(place, size, way)]) for way in ADDRESSES]), end="\n\n")
    print(LEGEND, end="\n\n")
    for way, tables in written.items():
        print(f"A first rating and a change by {way} write: {dict(tables)}")
    print(f"Roll-up writes of an item under load: {folds:.2f} a second")
    answers = sum((Counter(duel.answers) for duel in duels), Counter())
    print(f"One user, {SHOTS} scores at once, {len(duels)} times: answers {dict(answers)}")


def _line(way: str, result: Result) -> list[Any]:
    s = result.summary()
    times = [f"{s[key]:,.1f}" for key in ("mean_ms", "p0_ms", "p99_ms", "p100_ms")]
    cpu = [f"{s[f'cpu_ms_{whose}']:.2f}" for whose in ("workers", "mariadb", "proxy")]
    return [way, f"{s['per_second']:,.0f}", *times, s["errors"], *cpu, f"{s['sql']:.2f}", s["off"]]


def _faster(results: Results, sizes: Sequence[int]) -> Iterator[report.Target]:
    for place, size in ((place, size) for place in (NEAR, FAR) for size in sizes):
        naive, ours = (results[Case(place, size, way)] for way in (LOCKED, APPENDED))
        where = f"{size:,} ratings of one item, database {'on loopback' if place == NEAR else place}"
        if place == FAR and size == sizes[0]:
            means = _ratios(ours.means_ms(), naive.means_ms())
            yield report.median_at_most(f"{where}: mean / naive way's", means, FIRST)
            continue
        limit = 1 if place == NEAR else FASTER
        yield report.median_at_least(
            f"{where}: naive way's mean / mean", _ratios(naive.means_ms(), ours.means_ms()), limit
        )
        maxima = _ratios(naive.percentiles_ms(100), ours.percentiles_ms(100))
        yield report.median_at_least(f"{where}: naive way's max / max", maxima, limit)


def _ratios(these: list[float], those: list[float]) -> list[float]:
    return [this / that for this, that in zip(these, those, strict=True)]


def _exact(results: Results, rolled_up_off: int) -> list[report.Target]:
    ours = [result for case, result in results.items() if case.way == APPENDED]
    cpu_ms = [ms for result in ours for ms in result.cpu_ms["workers"]]
    return [
        report.exactly("ratings: errors", sum(result.errors for result in ours), 0),
        report.exactly("ratings: count, sum and histogram − rows, with pending deltas", sum(r.off for r in ours), 0),
        report.exactly("ratings: count, sum and histogram − rows, after the roll-up", rolled_up_off, 0),
        report.median_at_most("server CPU of a rating, ms", cpu_ms, CPU_MS),
    ]


def _writes(written: dict[str, Counter[str]], folds: float) -> list[report.Target]:
    shared = sum(count for table, count in written[APPENDED].items() if table in SHARED)
    return [
        report.exactly("rows that raters share, written in a request", shared, 0),
        report.median_at_most("roll-up writes of an item a second", [folds], 1),
    ]


def _duels(duels: list[Duel]) -> list[report.Target]:
    strange = sum(count for duel in duels for status, count in duel.answers.items() if status not in ("200", "409"))
    return [
        report.exactly(f"one user's {SHOTS} scores at once: answers but 200 and 409", strange, 0),
        report.exactly(f"one user's {SHOTS} scores at once: rows − 1", sum(abs(duel.rows - 1) for duel in duels), 0),
        report.exactly(f"one user's {SHOTS} scores at once: sums − row", sum(duel.off for duel in duels), 0),
    ]
