"""Items to be rated in each of the ways, and whether what is kept of them is what the scores say."""

import re
from collections import Counter
from collections.abc import Callable

from loadtest.bench.environment import Ground

LOCKED, ADDED, APPENDED = "lock, read, write back", "F()", "appended deltas"
ADDRESSES = {
    LOCKED: "/baseline/ratings/{}/score/locked",
    ADDED: "/baseline/ratings/{}/score/by-f",
    APPENDED: "/api/v1/ratings/{}/score",
}
SCORES = range(1, 11)
# In turn: each differs from the one before, so that each is a change.
BODIES = [f'{{"score": {1 + 3 * turn % 10}}}' for turn in range(10)]
SHARED = {"baselines_tally", "counters_counter", "ratings_item"}  # tables whose rows many raters would write
_WRITTEN = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO) `?(\w+)")


def new(ground: Ground) -> int:
    """The id of an item that nobody has rated."""
    ground.sql("INSERT INTO ratings_item (title, created_at) VALUES ('Tea house by the lake', NOW())")
    ((item_id,),) = ground.sql("SELECT MAX(id) FROM ratings_item")
    ground.sql(f"INSERT INTO baselines_tally VALUES ({item_id}{', 0' * (2 + len(SCORES))})")
    return item_id


def off(ground: Ground, way: str, item_id: int, *, pending: bool = True) -> int:
    """By how much count, sum and the ten bars differ from the rows, all in all; `pending`: with the delta log."""
    if way == APPENDED:
        kept = _counters("counters_counter", "value", item_id)
        if pending:  # in one statement, as the roll-up moves from one to the other
            kept += f" UNION ALL {_counters('counters_delta', 'amount', item_id)}"
        sums = ground.sql(f"SELECT name, SUM(number) FROM ({kept}) AS counters GROUP BY name")
        found = Counter({name: int(number) for name, number in sums})
    else:
        row = ground.sql(f"SELECT * FROM baselines_tally WHERE item_id = {item_id}")[0][1:]
        found = Counter(dict(zip(("count", "sum", *map(_bar, SCORES)), row, strict=True)))
    truth = _truth(ground, item_id)
    return sum(abs(found[name] - truth[name]) for name in found.keys() | truth.keys())


def tables_written(ground: Ground, work: Callable[[], object]) -> Counter[str]:
    """How many statements wrote each table while `work` ran, from the server's log."""
    with ground.statements() as statements:
        work()
    return Counter(found[1] for found in map(_WRITTEN.match, statements) if found)


def folds_a_second(ground: Ground, item_id: int, work: Callable[[], object]) -> float:
    """How often the roll-up wrote an item's counters while `work` ran, from its first write to its last one."""
    with ground.statements():
        work()
    written = f"argument LIKE 'INSERT INTO counters_counter%' AND argument LIKE '%(''rating'', {item_id}, ''sum'', %'"
    ((writes, took_s),) = ground.sql(
        "SELECT COUNT(*), UNIX_TIMESTAMP(MAX(event_time)) - UNIX_TIMESTAMP(MIN(event_time)) FROM mysql.general_log "
        f"WHERE {written}"
    )
    return (writes - 1) / float(took_s) if took_s else 0


def _counters(table: str, column: str, item_id: int) -> str:
    return f"SELECT name, {column} AS number FROM {table} WHERE kind = 'rating' AND target_id = {item_id}"


def _truth(ground: Ground, item_id: int) -> Counter[str]:
    found = ground.sql(f"SELECT score, COUNT(*) FROM ratings_score WHERE item_id = {item_id} GROUP BY score")
    bars = {_bar(score): count for score, count in found}
    total = sum(score * count for score, count in found)
    return Counter({"count": sum(bars.values()), "sum": total, **bars})


def _bar(score: int) -> str:
    return f"score_{score}"
