"""What 5,000 ids cost in Redis: as a hash {id: 1}, and as an id set."""

from typing import Any

from loadtest.bench import load_generator as client
from loadtest.bench import report
from loadtest.bench import seed_follows as graph
from loadtest.bench.environment import Ground

IDS = 5_000
SPACING = 1_500_007  # ids of ten digits, up to 8.5 × 10⁹
OWNER = 1
MOST_BYTES = 9
HEAD = ("kept as", "ids", "bytes", "bytes an id")


def measure(ground: Ground) -> tuple[dict[str, Any], list[report.Target]]:
    report.section(f"Memory of {IDS:,} ids of ten digits in Redis, keys and overhead included")
    ids = [graph.FAR + SPACING * number for number in range(1, IDS + 1)]
    found = {"hash {id: 1}": _as_hash(ground, ids), "id set": _as_id_set(ground)}
    print(report.table(HEAD, [[name, f"{IDS:,}", f"{used:,}", f"{used / IDS:.2f}"] for name, used in found.items()]))
    return {name: {"bytes": used, "bytes_per_id": used / IDS} for name, used in found.items()}, [
        report.median_at_most("bytes of a cached id", [found["id set"] / IDS], MOST_BYTES)
    ]


def _as_hash(ground: Ground, ids: list[int]) -> int:
    ground.redis.delete("hash")
    ground.redis.hset("hash", mapping=dict.fromkeys(ids, 1))
    return _used(ground, "hash")


def _as_id_set(ground: Ground) -> int:
    """By whom a user is followed, filled by a request: the members, and the key of the protocol beside them."""
    graph.clear(ground)
    graph.insert(ground, f"SELECT {graph.FAR} + {SPACING} * seq, {OWNER}, NOW(6) FROM seq_1_to_{IDS}")
    with ground.web(workers=1, threads=2) as web:
        order = {"port": web.port, "tokens": ground.tokens[:OWNER], "connections": 1}
        client.run(client.Order(paths=[f"/api/v1/relationships?ids={OWNER + 1}"], requests=1, **order))
    sets = {key: ground.redis.scard(key) for key in ground.redis.keys("*") if ground.redis.type(key) == b"set"}
    members = max(sets, key=sets.get)
    if sets[members] != IDS + 1:  # the sentinel is a member too
        raise SystemExit(f"The id set has {sets[members]:,} members instead of {IDS + 1:,}.")
    return _used(ground, members) + _used(ground, members.removesuffix(b":m"))


def _used(ground: Ground, key: str | bytes) -> int:
    return ground.redis.memory_usage(key, samples=0)
