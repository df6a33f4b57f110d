"""From users to hosts, nodes, bytes and money: each figure with its formula."""

from collections.abc import Mapping
from math import ceil
from typing import Any, NamedTuple

from loadtest.sizing.constants import Cost, Measured
from loadtest.sizing.workload import ROWS_OF_A_USER, diurnal, mean_cost, missed

DAY_S, MONTH_DAYS, GB = 86_400, 30, 1e9
SETS_OF_A_USER = {"following": "social_follow", "followers": "social_follow", "liked": "posts_like",
                  "favorited": "posts_favorite"}  # fmt: skip


class Step(NamedTuple):
    """A figure, how it is computed, in names and in numbers, and its unit."""

    name: str
    value: float
    unit: str
    formula: str

    def __str__(self) -> str:
        return f"{self.name:<34}{human(self.value):>12} {self.unit:<11}= {self.formula}"


class Plan(NamedTuple):
    """The figures that the simulation goes on from."""

    per_second: float
    hosts: int
    workers: int
    masters: int
    writers: int
    connections: int
    cost: Cost
    steps: list[Step]


def human(value: float) -> str:
    """Return a number with three digits that count."""
    if value >= 1e6:
        size = next(size for size in (1e12, 1e9, 1e6) if value >= size)
        return f"{value / size:.3g} {({1e12: 'T', 1e9: 'G', 1e6: 'M'})[size]}"
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def plan(assumed: Any, measured: Measured) -> Plan:
    """Return what the users need."""
    sheet = _Sheet()
    cost = mean_cost(measured.requests, assumed)
    per_second = _load(sheet, assumed)
    hosts = _web(sheet, assumed, measured.requests, cost, per_second)
    masters = _redis(sheet, assumed, measured.entries, cost, per_second)
    writers = _database(sheet, assumed, measured, cost, per_second)
    workers = hosts * int(assumed.host_cores)
    formula = f"{workers} workers × {assumed.threads:g} threads; allowed {assumed.database_connections:g}"
    connections = sheet.add("database connections", workers * assumed.threads, "at most", formula)
    _money(sheet, assumed, cost, hosts, masters)
    return Plan(per_second, hosts, workers, masters, writers, int(connections), cost, sheet.steps)


class _Sheet:
    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._values: dict[str, float] = {}

    def add(self, name: str, value: float, unit: str, formula: str) -> float:
        self.steps.append(Step(name, value, unit, formula))
        self._values[name] = value
        return value

    def __getitem__(self, name: str) -> float:
        return self._values[name]


def _load(sheet: _Sheet, assumed: Any) -> float:
    a_day = sheet.add("requests", assumed.daily * assumed.requests, "a day",
                      f"{human(assumed.daily)} daily users × {assumed.requests:g}")  # fmt: skip
    mean = sheet.add("on average", a_day / DAY_S, "a second", f"{human(a_day)} / {DAY_S:,} s")
    return sheet.add("in the busiest hour", mean * assumed.peak, "a second", f"{human(mean)} × peak {assumed.peak:g}")


def _web(sheet: _Sheet, assumed: Any, costs: Mapping[str, Cost], cost: Cost, per_second: float) -> int:
    for name, share in assumed.mix.items():
        hits = 1 - missed(name, assumed)
        part = share * (hits * costs[name].web_us + (1 - hits) * costs["miss"].web_us)
        dearer = f" + {1 - hits:.3g} × {costs['miss'].web_us:.0f} of a miss" if hits < 1 else ""
        sheet.add(f"… {name}", part, "µs", f"{share:.3g} × ({hits:.3g} × {costs[name].web_us:.0f}{dearer})")
    sheet.add("web CPU of a request", cost.web_us, "µs", "Σ of the kinds")
    busy = sheet.add("cores busy with requests", per_second * cost.web_us / 1e6, "cores",
                     f"{human(per_second)}/s × {cost.web_us:.0f} µs")  # fmt: skip
    cores = sheet.add("cores", busy / assumed.utilization, "cores", f"{human(busy)} / {assumed.utilization:g} busy")
    hosts = ceil(cores / assumed.host_cores) + 1
    sheet.add("web hosts", hosts, "hosts", f"⌈{human(cores)} / {assumed.host_cores:g} cores⌉ + 1 that may fail")
    curve = diurnal(assumed.peak)
    needed = sum(ceil(cores * load / max(curve) / assumed.host_cores) + 1 for load in curve)
    sheet.add("… with an autoscaler", needed / 24, "hosts", f"{needed} host hours of a day / 24, load over the day "
              f"{min(curve):.2g} to {max(curve):.2g} of the average")  # fmt: skip
    return hosts


def _redis(sheet: _Sheet, assumed: Any, entries: Mapping[str, float], cost: Cost, per_second: float) -> int:
    busy = sheet.add("Redis cores busy", per_second * cost.redis_us / 1e6, "cores",
                     f"{human(per_second)}/s × {cost.redis_us:.1f} µs")  # fmt: skip
    weekly = assumed.daily * assumed.weekly
    sets = sum(entries["id_set"] + ROWS_OF_A_USER[table] * entries["id"] for table in SETS_OF_A_USER.values())
    formula = f"4 id sets: {entries['id_set']:.0f} + {entries['id']:.1f} an id; popups {entries['popup_state']:.0f}"
    a_week = sheet.add("memory of a weekly user", sets + entries["popup_state"], "bytes", formula)
    names = ("user", "newest_posts", "counters", "post")
    a_day = sheet.add("memory of a daily user", sum(entries[name] for name in names), "bytes",
                      " + ".join(f"{name} {entries[name]:.0f}" for name in names))  # fmt: skip
    memory = sheet.add("Redis memory", weekly * a_week + assumed.daily * a_day, "bytes",
                       f"{human(weekly)} × {a_week:.0f} + {human(assumed.daily)} × {a_day:.0f}")  # fmt: skip
    by_cpu, by_memory = ceil(busy / assumed.utilization), ceil(memory / (assumed.redis_gb * GB))
    masters = max(1, by_cpu, by_memory)
    masters = masters if masters == 1 else max(3, masters)  # a cluster decides by majority
    sheet.add(
        "Redis masters",
        masters,
        "nodes",
        f"max(CPU {by_cpu}, memory {by_memory}), each with a replica; a cluster has 3",
    )
    sheet.add(
        "Redis traffic",
        per_second * cost.redis_bytes,
        "bytes/s",
        f"{human(per_second)}/s × {cost.redis_bytes:.0f} bytes",
    )
    return masters


def _database(sheet: _Sheet, assumed: Any, measured: Measured, cost: Cost, per_second: float) -> int:
    sheet.add("statements", per_second * cost.statements, "a second", f"{human(per_second)}/s × {cost.statements:.3f}")
    formula = f"{human(per_second)}/s × {cost.database_us:.1f} µs"
    busy = sheet.add("database cores busy", per_second * cost.database_us / 1e6, "cores", formula)
    rows = {table: assumed.users * each for table, each in ROWS_OF_A_USER.items()}
    rows["popups_event"] = assumed.daily * assumed.requests * assumed.mix.get("claim", 0) * assumed.event_days
    for table, count in rows.items():
        formula = f"{human(count)} rows × {measured.rows[table]:.0f} bytes with indexes"
        sheet.add(f"table {table}", count * measured.rows[table], "bytes", formula)
    size = sheet.add("tables", sum(sheet[f"table {table}"] for table in rows), "bytes", "Σ of the tables")
    by_cpu = ceil(busy / (assumed.database_cores * assumed.utilization))
    by_size = ceil(size / (assumed.database_tb * 1e12))
    formula = f"max(CPU {by_cpu}, as fills read the writer; size {by_size}); more than 1: shards by user"
    writers = sheet.add("writers", max(1, by_cpu, by_size), "servers", formula)
    sheet.add("database servers", 2 * writers, "servers", "each writer with a replica that takes over")
    return int(writers)


def _money(sheet: _Sheet, assumed: Any, cost: Cost, hosts: int, masters: int) -> None:
    servers = sheet["database servers"]
    unit = f"{assumed.currency}/month"
    traffic = sheet["requests"] * MONTH_DAYS * cost.answer_bytes / GB
    sheet.add(
        "answers", sheet["in the busiest hour"] * cost.answer_bytes, "bytes/s", f"{cost.answer_bytes:.0f} bytes each"
    )
    cores = hosts * assumed.host_cores + 2 * masters * 2 + servers * assumed.database_cores
    parts = {
        "cores": (cores, assumed.price_core, "web, 2 for each Redis node, database"),
        "memory": (2 * masters * assumed.redis_gb, assumed.price_gb, "GB of Redis masters and replicas"),
        "disks": (2 * sheet["tables"] / GB, assumed.price_disk_gb, "GB, on writers and replicas"),
        "traffic": (traffic, assumed.price_traffic_gb, "GB of answers"),
    }
    for name, (amount, price, of) in parts.items():
        sheet.add(f"price of {name}", amount * price, unit, f"{human(amount)} × {price:g}, {of}")
    total = sum(sheet[f"price of {name}"] for name in parts)
    sheet.add("price", total, unit, f"Σ; prices are examples of {assumed.prices_of}")
    sheet.add("price of a daily user", total / assumed.daily, unit, f"{human(total)} / {human(assumed.daily)}")
