"""Hash tags by slot: a Redis Cluster divides 16,384 slots among its masters, and hashes the part of a key in braces.

Masters usually have contiguous ranges of slots of one size. So the tags of N shards are chosen to lie in the middle of
N such ranges: whatever number of masters divides N, each of them has equally many shards, and otherwise they differ by
one shard. Random tags would not do: of 6 on three masters, one often has 4 and another none.
"""

from binascii import crc_hqx
from functools import lru_cache
from itertools import count

SLOTS = 16_384


def slot_of(tag: str) -> int:
    """Return the slot of keys with a hash tag (CRC-16/XMODEM, as in the specification of Redis Cluster)."""
    return crc_hqx(tag.encode(), 0) % SLOTS


@lru_cache(maxsize=16)
def spread_tags(name: str, number: int) -> tuple[str, ...]:
    """Return tags that begin with a name and lie in the middle of `number` equal ranges of slots, in their order.

    About 16,384 × log(number) texts are tried: milliseconds, once in a process.
    """
    wanted = {SLOTS * (2 * at + 1) // (2 * number): "" for at in range(number)}
    missing = number
    for suffix in count():
        tag = f"{name}-{suffix}"
        if wanted.get(slot_of(tag)) == "":
            wanted[slot_of(tag)] = tag
            missing -= 1
            if not missing:
                return tuple(wanted.values())
    raise AssertionError("unreachable")
