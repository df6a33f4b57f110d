"""Section `idset-memory`: the memory of 5,000 ids in Redis, as a hash {id: 1} and as an id set."""

from loadtest.bench import report, seed_follows
from loadtest.bench.environment import Environment
from loadtest.bench.load_generator import Workload, run_load

FULL = QUICK = 5_000  # ids
SPACING = 1_500_007  # ids of ten digits, up to 8.5 × 10⁹
OWNER = 1
MAX_BYTES = 9
HEADER = ("stored as", "ids", "bytes", "bytes an id")


def measure(env: Environment, size: int) -> report.SectionResult:
    """Measure the bytes in Redis of `size` ids, as a hash and as an id set."""
    report.print_heading(f"Memory of {size:,} ids of ten digits in Redis, keys and overhead included")
    ids = [seed_follows.FIRST_UNUSED_ID + SPACING * number for number in range(1, size + 1)]
    found = {"hash {id: 1}": _as_hash(env, ids), "id set": _as_id_set(env, size)}
    print(
        report.table(HEADER, [[name, f"{size:,}", f"{used:,}", f"{used / size:.2f}"] for name, used in found.items()])
    )
    return {name: {"bytes": used, "bytes_per_id": used / size} for name, used in found.items()}, [
        report.median_at_most("bytes of a cached id", [found["id set"] / size], MAX_BYTES)
    ]


def _as_hash(env: Environment, ids: list[int]) -> int:
    env.redis.delete("hash")
    env.redis.hset("hash", mapping=dict.fromkeys(ids, 1))
    return _memory_usage(env, "hash")


def _as_id_set(env: Environment, size: int) -> int:
    """Fill the id set of a user's followers by a request; count its members and the key with its floor id."""
    seed_follows.delete_all(env)
    seed_follows.insert_rows(
        env, f"SELECT {seed_follows.FIRST_UNUSED_ID} + {SPACING} * seq, {OWNER}, NOW(6) FROM seq_1_to_{size}"
    )
    with env.web_server(workers=1, threads=2) as web:
        paths, tokens = [f"/api/v1/relationships?ids={OWNER + 1}"], env.tokens[:OWNER]
        run_load(Workload(port=web.port, paths=paths, tokens=tokens, connections=1, requests=1))
    members_by_key = {each: env.redis.scard(each) for each in env.redis.keys("*") if env.redis.type(each) == b"set"}
    key = max(members_by_key, key=members_by_key.__getitem__)
    if members_by_key[key] != size + 1:  # the sentinel is a member, too
        raise SystemExit(f"The id set has {members_by_key[key]:,} members instead of {size + 1:,}.")
    return _memory_usage(env, key) + _memory_usage(env, key.removesuffix(b":m"))


def _memory_usage(env: Environment, key: str | bytes) -> int:
    return env.redis.memory_usage(key, samples=0)
