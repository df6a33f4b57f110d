"""Confirming that a replica has what Redis was told, for what may not be lost when a replica takes over.

    witness = witness_of(key)          before the write: who has the key, and in which run; None if nobody may take over
    …                                  the write
    confirm(witness, key)              whether a replica has it: the same server, in the same run, was asked by WAIT

A write that is not confirmed may stand or be lost. WAIT keeps a connection waiting, so these are connections of their
own; it counts what their own last write follows, hence a small write before it (Redis, the command WAIT).
"""

import os
import time
from functools import cache, partial
from typing import NamedTuple

from ..conf import clear_on_change
from ..locations import Address
from .cluster import on_cluster, slot_map
from .epochs import Run, Server, epochs
from .failures import FAILURES, without_errors
from .pool import Pool
from .script import Command
from .sentinel import address_book, on_sentinel
from .slot_map import slot_of

WAIT_MS = 150
"""How long a replica may take; less than the usual timeout of a socket."""
KNOWN_S = 10.0
"""How long it is remembered whether a server of a cluster has replicas."""
ASKING_S = 1.0


class Witness(NamedTuple):
    """The server that had a key at a moment: its address, its name in `epochs`, and the run that it was in."""

    address: Address
    server: Server
    run: Run | None


NOBODY = Witness(("", 0), None, None)


def may_fail_over() -> bool:
    """Return whether servers take each other's places by themselves here."""
    return on_cluster() or on_sentinel()


def witness_of(key: str) -> Witness | None:
    """Return who has a key now; None if no other server may take its place. Where nobody can be asked it is a witness
    that confirms nothing."""
    try:
        if on_cluster():
            return _witness_on_cluster(key)
        return Witness(address_book().master(), None, epochs.runs.get(None)) if on_sentinel() else None
    except FAILURES:
        return NOBODY


def _witness_on_cluster(key: str) -> Witness | None:
    slot_map().learn()
    address = slot_map().node_of(slot_of(key))
    if address is None:
        return NOBODY
    return Witness(address, address, epochs.runs.get(address)) if _has_replicas(address) else None


def witness_at_once(key: str) -> Witness | None:
    """Return what witness_of() does without waiting, for event loops: NOBODY where a server would have to be asked."""
    if on_cluster():
        address = slot_map().node_of(slot_of(key))
        is_replicated, until = _replicated().get(address, (True, 0.0))
        now = time.monotonic()
        if address is None or until < now:
            if now < until + KNOWN_S:  # this caller asks; others go on with what was known
                _replicated()[address] = (is_replicated, now + ASKING_S)
            return NOBODY
        return Witness(address, address, epochs.runs.get(address)) if is_replicated else None
    if not on_sentinel():
        return None
    master = address_book().known_master
    return NOBODY if master is None else Witness(master, None, epochs.runs.get(None))


def confirm(witness: Witness | None, key: str) -> bool:
    """Return whether a replica has what the witness was told so far; always True for None."""
    if witness is None or witness is NOBODY:
        return witness is None
    pool = _pool(witness.address, witness.server)
    try:
        _, number = without_errors(pool.receive(pool.send([mark(key), ("WAIT", 1, WAIT_MS)]), 2))
    except FAILURES:
        return False
    return number >= 1 and is_in_run(witness)


def mark(key: str) -> Command:
    """Return the small write that WAIT then waits for; `key` shares the slot."""
    return ("SET", f"{key}:confirm", "", "PX", 1)


def is_in_run(witness: Witness) -> bool:
    """Return whether a server is in the same run as it was before the write."""
    return epochs.runs.get(witness.server) is witness.run


def _has_replicas(address: Address) -> bool:
    """Return whether a server of a cluster has replicas, dead ones among them; raises redis.RedisError or OSError."""
    is_replicated, until = _replicated().get(address, (True, 0.0))
    if until < time.monotonic():
        pool = _pool(address, address)
        (nodes,) = without_errors(pool.receive(pool.send([("CLUSTER", "NODES")]), 1))
        is_replicated = _is_followed(nodes.decode())
        _replicated()[address] = (is_replicated, time.monotonic() + KNOWN_S)
    return is_replicated


def _is_followed(nodes: str) -> bool:
    """Return whether CLUSTER NODES has a replica of the server that told it."""
    lines = [line.split() for line in nodes.splitlines()]
    own = next((line[0] for line in lines if "myself" in line[2]), "")
    return any(line[3] == own for line in lines)


@cache
def _replicated() -> dict[Address | None, tuple[bool, float]]:
    """Return whether servers have replicas, and until when this is taken for true."""
    return {}


@cache
def _pool(address: Address, server: Server) -> Pool:
    """Return this process's connections that may wait; a fork must not share them."""
    nodes = slot_map().servers if on_cluster() else address_book().servers
    return Pool(partial(nodes.connection, address), server)


os.register_at_fork(after_in_child=_pool.cache_clear)
clear_on_change("CACHES", _pool, _replicated)
