"""Items that are rated by each variant, and checks that their stored sums agree with the scores."""

import re
from collections import Counter
from collections.abc import Callable

from loadtest.bench.environment import Environment

LOCKED, F_EXPRESSION, APPENDED = "lock, read, write back", "F()", "appended deltas"
ADDRESSES = {
    LOCKED: "/baseline/ratings/{}/score/locked",
    F_EXPRESSION: "/baseline/ratings/{}/score/by-f",
    APPENDED: "/api/v1/ratings/{}/score",
}
SCORES = range(1, 11)
# Each body differs from the one before it, so that each is a change.
BODIES = [f'{{"score": {1 + 3 * turn % 10}}}' for turn in range(10)]
SHARED_TABLES = {"baselines_tally", "counters_counter", "ratings_item"}  # many raters would write the same row
_WRITTEN = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO) `?(\w+)")


def create_item(env: Environment) -> int:
    """Create an item without ratings, and return its id."""
    env.sql("INSERT INTO ratings_item (title, created_at) VALUES ('Tea house by the lake', NOW())")
    ((item_id,),) = env.sql("SELECT MAX(id) FROM ratings_item")
    env.sql(f"INSERT INTO baselines_tally VALUES ({item_id}{', 0' * (2 + len(SCORES))})")
    return item_id


def drift(env: Environment, variant: str, item_id: int, *, pending: bool = True) -> int:
    """Return by how much count, sum and histogram differ from the scores' rows, added up.

    `pending`: add the deltas that the roll-up has not folded yet to the counters.
    """
    if variant == APPENDED:
        counters = _counters("counters_counter", "value", item_id)
        if pending:  # in one statement, as the roll-up moves amounts from one table to the other
            counters += f" UNION ALL {_counters('counters_delta', 'amount', item_id)}"
        sums = env.sql(f"SELECT name, SUM(number) FROM ({counters}) AS counters GROUP BY name")
        stored = Counter({name: int(number) for name, number in sums})
    else:
        row = env.sql(f"SELECT * FROM baselines_tally WHERE item_id = {item_id}")[0][1:]
        stored = Counter(dict(zip(("count", "sum", *map(_histogram_column, SCORES)), row, strict=True)))
    truth = _truth(env, item_id)
    return sum(abs(stored[name] - truth[name]) for name in stored.keys() | truth.keys())


def tables_written(env: Environment, work: Callable[[], object]) -> Counter[str]:
    """Call `work`; return how many statements wrote each table meanwhile, from the server's log."""
    with env.logged_statements() as statements:
        work()
    return Counter(found[1] for found in map(_WRITTEN.match, statements) if found)


def rollups_per_second(env: Environment, item_id: int, work: Callable[[], object]) -> float:
    """Call `work`; return how often per second the roll-up wrote an item's counters, from first to last write."""
    with env.logged_statements():
        work()
    written = f"argument LIKE 'INSERT INTO counters_counter%' AND argument LIKE '%(''rating'', {item_id}, ''sum'', %'"
    ((writes, took_s),) = env.sql(
        "SELECT COUNT(*), UNIX_TIMESTAMP(MAX(event_time)) - UNIX_TIMESTAMP(MIN(event_time)) FROM mysql.general_log "
        f"WHERE {written}"
    )
    return (writes - 1) / float(took_s) if took_s else 0


def _counters(table: str, column: str, item_id: int) -> str:
    return f"SELECT name, {column} AS number FROM {table} WHERE kind = 'rating' AND target_id = {item_id}"


def _truth(env: Environment, item_id: int) -> Counter[str]:
    found = env.sql(f"SELECT score, COUNT(*) FROM ratings_score WHERE item_id = {item_id} GROUP BY score")
    histogram = {_histogram_column(score): count for score, count in found}
    total = sum(score * count for score, count in found)
    return Counter({"count": sum(histogram.values()), "sum": total, **histogram})


def _histogram_column(score: int) -> str:
    return f"score_{score}"
